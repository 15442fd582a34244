/**
 * The password of a display.
 *
 * The table never reads it: what the host has is compared where secrets are resolved, and comes here
 * as a verdict. It is written only from a spec that holds the value instead of the reference, which
 * is made for a step and kept nowhere.
 *
 * @see https://libvirt.org/formatdomain.html#graphical-framebuffers
 * @module
 */

import { z } from "zod";
import { SECRET_NAME, SECRET_NAME_RULE } from "../../../../secret.ts";
import { custom, depends, field, type Table } from "../../../table/mod.ts";
import { getPath } from "../../../xml/mod.ts";
import { word } from "./bits.ts";

/**
 * QEMU asks for a password, or does not, from its start on: one that was started without cannot be
 * given one.
 */
export const passwordChange = depends(
  "live where the running display has a password, else restart",
  ({ live }) => live === undefined || getPath(live, "./@passwd") === undefined ? "restart" : "live",
);

const reference = () =>
  z.strictObject({ secret: z.string().regex(SECRET_NAME, SECRET_NAME_RULE) }, {
    error: (issue) =>
      issue.code === "invalid_type"
        ? 'must be a secret\'s name, for example secret("desk-vnc"): a password itself never stands ' +
          "in a stack"
        : undefined,
  });

/** Whether it is so in libvirt's own writing, which knows no zone. */
const moment = custom(
  "./@passwdValidTo",
  (display) => {
    const found = getPath(display, "./@passwdValidTo");
    return found === undefined ? undefined : `${found}Z`;
  },
  (display, value) => {
    if (value === undefined) display.attributes.delete("passwdValidTo");
    else display.attributes.set("passwdValidTo", String(value).replace(/Z$/, ""));
  },
);

/** Who may look at a display, and how long. */
export const displayPassword = {
  password: field({
    schema: () =>
      reference().optional().describe(
        "Password that its clients must know: a secret by its name. VNC takes at most 8 bytes, SPICE " +
          "60. One that is declared no more stays.",
      ),
    binding: custom("./@passwd", () => undefined, (display, value) => {
      if (typeof value === "string") display.attributes.set("passwd", value);
    }),
    change: passwordChange,
    // A reference says nothing that could be compared here.
    equal: (declared) => typeof declared !== "string",
    format: "sensitive",
  }),
  passwordValidTo: field({
    schema: () =>
      z.iso.datetime({
        precision: 0,
        error: "must be a moment in UTC, to the second, for example 2027-01-31T12:00:00Z",
      }).optional().describe(
        "Until when the password is good, in UTC: 2027-01-31T12:00:00Z. Without an end unless declared.",
      ),
    binding: moment,
    change: passwordChange,
  }),
  connected: word(
    "./@connected",
    ["keep", "disconnect", "fail"],
    "What becomes of clients that are connected when the password is changed. VNC keeps them.",
    passwordChange,
  ),
} satisfies Table;
