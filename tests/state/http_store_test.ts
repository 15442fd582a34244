import { DocumentStore } from "../../state/document_store.ts";
import { httpAddress, httpSite } from "../../state/http_site.ts";
import type { StoreOptions } from "../../state/store_options.ts";
import { storeContract } from "./contract.ts";
import { stateServer } from "./servers/managed_state.ts";

function fixture(flavour: Parameters<typeof stateServer>[0]) {
  const server = stateServer(flavour);
  return {
    server,
    open: (options: StoreOptions = {}) =>
      new DocumentStore(
        httpSite(httpAddress(server.location, () => undefined), { patienceSeconds: 20 }),
        options,
      ),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

for (const flavour of ["gitlab", "verbs"] as const) {
  storeContract(`HTTP (${flavour})`, () => Promise.resolve(fixture(flavour)), { oneStack: true });
}
