/**
 * What keeps the machine's process from the rest of its host: labels of SELinux, AppArmor, file owners.
 *
 * @module
 */

import { z } from "zod";
import { field, list, shapeOf, type Table, text } from "../../../table/mod.ts";
import { append, children, element, remove } from "../../../xml/mod.ts";
import { toggle, words, YES_NO } from "./bits.ts";
import { always } from "./common.ts";
import { distinctBy } from "./entries.ts";

const fields = {
  model: field({
    schema: () =>
      z.string().regex(/^[a-z]+$/, "must be a security model, for example selinux").describe(
        "Security model of the host: selinux, apparmor or dac (owners of files); none: no label at " +
          "all, with type none.",
      ),
    binding: text("./@model"),
    change: "restart",
    equal: always,
  }),
  type: field({
    schema: () =>
      z.enum(["dynamic", "static", "none"]).describe(
        "dynamic: libvirt chooses the label; static: the label declared; none: no label.",
      ),
    binding: text("./@type"),
    change: "restart",
  }),
  relabel: toggle("./@relabel", YES_NO, "Whether files that the machine uses get its label."),
  label: words("./label", "The label, with type static."),
  baseLabel: words("./baselabel", "What a label is made from, with type dynamic."),
} satisfies Table;

const schema = () =>
  z.array(
    z.strictObject(shapeOf(fields)).superRefine(({ type, label, baseLabel }, context) => {
      const refuse = (path: string, message: string) =>
        context.addIssue({ code: "custom", path: [path], message });
      if ((type === "static") !== (label !== undefined)) {
        refuse("label", 'goes with type "static", and is required there');
      }
      if (baseLabel !== undefined && type !== "dynamic") {
        refuse("baseLabel", 'goes with type "dynamic"');
      }
    }),
  ).superRefine(distinctBy("model")).optional().describe(
    "Labels that keep the machine from the rest of its host; libvirt's own unless declared.",
  );

/** Security labels. */
export const security = {
  securityLabels: list({
    schema,
    path: "./seclabel",
    // Without a model a label of type none is the whole machine's.
    select: (domain) => children(domain, "seclabel"),
    nameOf: (label) => label.attributes.get("model") ?? "none",
    keyOf: (declared) => String(declared.model),
    insert: (domain, declared) => {
      const label = element("seclabel", {
        type: String(declared.type),
        model: String(declared.model),
      });
      append(domain, label, "seclabel");
      return label;
    },
    remove: (domain, label) => remove(domain, label),
    change: "restart",
    grows: true,
    fields,
  }),
} satisfies Table;
