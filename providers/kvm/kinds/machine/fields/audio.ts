/**
 * Where the guest's sound goes on the host.
 *
 * @module
 */

import { z } from "zod";
import { field, group, integer, shapeOf, type Table, text } from "../../../table/mod.ts";
import { element } from "../../../xml/mod.ts";
import { toggle, whole, word, words, YES_NO } from "./bits.ts";
import { always } from "./common.ts";
import { devices, nameField } from "./device.ts";
import { deviceXml } from "./escape.ts";

const TYPES = [
  "none",
  "alsa",
  "coreaudio",
  "dbus",
  "file",
  "jack",
  "oss",
  "pulseaudio",
  "sdl",
  "spice",
] as const;

const FORMATS = ["s8", "u8", "s16", "u16", "s32", "u32", "f32"] as const;

/** One direction: what it is called on the host, and how samples go. */
function direction(side: "input" | "output", doc: string) {
  const at = (name: string) => `./${side}/${name}`;
  const members = {
    device: words(at("@dev"), "Device of the host, with alsa and oss."),
    name: words(at("@name"), "Device of the host, with pulseaudio."),
    streamName: words(at("@streamName"), "Name of the stream, with pulseaudio."),
    clientName: words(at("@clientName"), "Name of the client, with jack."),
    serverName: words(at("@serverName"), "Name of the server, with jack."),
    connectPorts: words(at("@connectPorts"), "Ports that it connects to, with jack."),
    exactName: toggle(
      at("@exactName"),
      YES_NO,
      "Whether the client's name must be free, with jack.",
    ),
    latency: whole(at("@latency"), [1, 2 ** 31], "Latency aimed at, µs, with pulseaudio."),
    bufferLength: whole(at("@bufferLength"), [1, 2 ** 31], "Length of the buffer, µs."),
    bufferCount: whole(at("@bufferCount"), [1, 2 ** 31], "Buffers, with coreaudio, oss and sdl."),
    tryPoll: toggle(at("@tryPoll"), YES_NO, "Wait by polling, with alsa and oss."),
    mixingEngine: toggle(at("@mixingEngine"), YES_NO, "Whether QEMU mixes and converts."),
    fixedSettings: toggle(at("@fixedSettings"), YES_NO, "Whether the settings below are kept to."),
    voices: whole(at("@voices"), [1, 255], "Voices at once."),
    frequency: whole(at("settings/@frequency"), [1, 1_000_000], "Hertz, with fixedSettings."),
    channels: whole(at("settings/@channels"), [1, 255], "Channels, with fixedSettings."),
    format: word(at("settings/@format"), FORMATS, "Format of a sample, with fixedSettings."),
  } satisfies Table;
  return group({
    schema: () => z.strictObject(shapeOf(members)).optional().describe(doc),
    fields: members,
  });
}

const fields = {
  name: nameField("audio backend"),
  ...deviceXml,
  id: field({
    schema: () =>
      z.int().min(1).max(255).describe("Number by which sound devices and displays name it."),
    binding: integer("./@id"),
    change: "restart",
    equal: always,
  }),
  type: field({
    schema: () => z.enum(TYPES).describe("What of the host takes the sound; none: nothing."),
    binding: text("./@type"),
    change: "restart",
  }),
  timerPeriod: whole("./@timerPeriod", [1, 2 ** 31], "Period of the timer, µs."),
  path: words("./@path", "File of the host, with file."),
  server: words("./@serverName", "Server, with pulseaudio."),
  driver: word("./@driver", ["esd", "alsa", "arts", "pulseaudio"], "Driver of SDL, with sdl."),
  tryMmap: toggle("./@tryMMap", YES_NO, "Map the device's memory, with oss."),
  exclusive: toggle("./@exclusive", YES_NO, "Have the device alone, with oss."),
  dspPolicy: whole("./@dspPolicy", [-1, 10], "Timing policy, with oss."),
  input: direction("input", "What the guest records."),
  output: direction("output", "What the guest plays."),
} satisfies Table;

/** Backends of the guest's sound. */
export const audios = devices({
  tag: "audio",
  prefix: "audio",
  doc: "Where the guest's sound goes on the host.",
  entry: () => z.strictObject(shapeOf(fields)),
  fields,
  change: "restart",
  nameless: true,
  nameOf: (backend) => `audio${backend.attributes.get("id") ?? 1}`,
  matches: (backend, declared) => backend.attributes.get("id") === String(declared.id),
  make: (declared) => element("audio", { id: Number(declared.id), type: String(declared.type) }),
});
