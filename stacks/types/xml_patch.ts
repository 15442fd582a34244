/**
 * What the fields do not say, by its place in libvirt's XML.
 *
 * @module
 */

/** What must stand at a place in an object's XML. */
export type XmlPatch =
  & {
    /**
     * The place: an attribute, `./memory/@dumpCore`; a text, `./bootloader`; or an element,
     * `./devices/redirdev[@bus='usb']`. The first match counts.
     */
    readonly path: string;
  }
  & (
    | {
      /** Text or attribute that must stand there; `null`: nothing may. */
      readonly value: string | number | null;
    }
    | {
      /** Element that must stand there, as XML; what it does not mention stays as it is. */
      readonly element: string;
    }
  );
