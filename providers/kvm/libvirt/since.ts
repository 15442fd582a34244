/**
 * Which libvirt version brought a call. The oldest version supported is 6.0.0 (January 2020); calls
 * that are not listed are older. A symbol is looked up at its first use, so that an older library
 * serves everything but the calls it lacks.
 *
 * @module
 */

/** The oldest libvirt that this binding is meant to work with. */
export const OLDEST_LIBVIRT = "6.0.0";

const SINCE: Readonly<Record<string, string>> = {
  virDomainAuthorizedSSHKeysGet: "6.10.0",
  virDomainAuthorizedSSHKeysSet: "6.10.0",
  virDomainGetMessages: "7.1.0",
  virDomainStartDirtyRateCalc: "7.2.0",
  virNodeDeviceDefineXML: "7.3.0",
  virNodeDeviceUndefine: "7.3.0",
  virNodeDeviceCreate: "7.3.0",
  virNWFilterDefineXMLFlags: "7.7.0",
  virNetworkDefineXMLFlags: "7.7.0",
  virNetworkCreateXMLFlags: "7.8.0",
  virNodeDeviceGetAutostart: "7.8.0",
  virNodeDeviceSetAutostart: "7.8.0",
  virNodeDeviceIsActive: "7.8.0",
  virNodeDeviceIsPersistent: "7.8.0",
  virDomainSetLaunchSecurityState: "8.0.0",
  virDomainSaveParams: "8.4.0",
  virDomainRestoreParams: "8.4.0",
  virDomainAbortJobFlags: "8.5.0",
  virDomainFDAssociate: "9.0.0",
  virNetworkGetMetadata: "9.7.0",
  virNetworkSetMetadata: "9.7.0",
  virDomainGraphicsReload: "10.2.0",
  virDomainGetAutostartOnce: "11.2.0",
  virDomainSetAutostartOnce: "11.2.0",
  virDomainDelThrottleGroup: "11.2.0",
  virDomainSetThrottleGroup: "11.2.0",
};

/** The libvirt version that brought a call, or undefined when it is older than the oldest supported. */
export function sinceOf(symbol: string): string | undefined {
  return SINCE[symbol];
}
