/**
 * Servers of Terraform's http backend on a loopback port: one that does as GitLab's managed state does, one
 * that does as Gitea's, and one with the verbs LOCK and UNLOCK as the protocol has them by itself.
 * https://docs.gitlab.com/api/terraform_state/, https://docs.gitea.com/usage/packages/terraform and
 * https://developer.hashicorp.com/terraform/language/backend/http
 *
 * @module
 */

/** A running server. */
export interface StateServer extends AsyncDisposable {
  /** Address of the state, without user and password. */
  readonly address: string;
  readonly user: string;
  readonly password: string;
  /** Location of a store, with user and password. */
  readonly location: string;
  /** The text that is kept, the newest last. */
  readonly versions: string[];
  /** The lock as it was asked for. */
  lock: Readonly<Record<string, unknown>> | undefined;
  /** Every request, as `METHOD /path?query status`. */
  readonly requests: string[];
  /** Answers the next updates with status 500, carried out or not. */
  readonly faults: ("broken" | "answer lost")[];
}

type Flavour = "gitlab" | "gitea" | "verbs" | "verbs, careless" | "verbs, stale";

const paths: Readonly<Partial<Record<Flavour, string>>> = {
  gitlab: "/api/v4/projects/7/terraform/state/shop",
  gitea: "/api/packages/team/terraform/state/shop",
};

/**
 * Starts it. A careless one does not look at the `ID` of what is posted, as the protocol leaves it to
 * servers. A stale one takes a record, and goes on giving what was there before.
 */
export function stateServer(flavour: Flavour): StateServer {
  const [user, password] = ["ann", "gl-p@ss:word"];
  const path = paths[flavour] ?? "/state/shop";
  const authorization = `Basic ${btoa(`${user}:${password}`)}`;
  const serials = new Set<number>();
  const [gitlab, gitea] = [flavour === "gitlab", flavour === "gitea"];
  const forge = gitlab || gitea;
  let known = false;

  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const url = new URL(request.url);
      const body = await request.text();
      const answer = request.headers.get("authorization") === authorization
        ? carryOut(request.method, url, body)
        : new Response('{"message":"401 Unauthorized"}', { status: 401 });
      all.requests.push(`${request.method} ${url.pathname}${url.search} ${answer.status}`);
      return answer;
    },
  );

  function carryOut(method: string, url: URL, body: string): Response {
    const isLock = forge ? url.pathname === `${path}/lock` : /^(UN)?LOCK$/.test(method);
    if (isLock && (method === "LOCK" || (forge && method === "POST"))) return take(body);
    if (isLock && (method === "UNLOCK" || (forge && method === "DELETE"))) return give(body);
    if (url.pathname !== path) return new Response("Not found", { status: 404 });
    if (method === "GET") {
      const newest = all.versions.at(-1);
      const text = flavour === "verbs, stale" && newest?.includes('"resources"')
        ? all.versions.at(-2)
        : newest;
      if (text !== undefined) return new Response(text);
      // GitLab knows a state as soon as it was locked for the first time.
      return new Response(null, { status: known ? 204 : 404 });
    }
    if (method === "POST") {
      const fault = all.faults.shift();
      const answer = fault === "broken" ? undefined : update(url.searchParams.get("ID"), body);
      return fault === undefined ? answer! : new Response("broken", { status: 500 });
    }
    return new Response(null, { status: 405 });
  }

  function take(body: string): Response {
    const info = JSON.parse(body);
    const needed = ["ID", "Operation", "Info", "Who", "Version", "Created", "Path"];
    for (const name of needed) {
      if (typeof info[name] !== "string") {
        return new Response(`${name} is missing`, { status: 400 });
      }
    }
    if (all.lock !== undefined && gitlab) {
      // GitLab knows the holder by its account, and repeats the asker's own words for the rest.
      const { ID, Created } = all.lock;
      return Response.json({ ...info, ID, Created, Who: "gitlab-user" }, { status: 409 });
    }
    if (all.lock !== undefined) return Response.json(all.lock, { status: 423 });
    known = gitlab;
    all.lock = gitlab ? { ...info, Created: new Date().toISOString() } : info;
    return Response.json(all.lock);
  }

  function give(body: string): Response {
    if (gitea && body === "") return new Response("EOF", { status: 400 });
    if (gitea && all.lock === undefined) return new Response(null);
    const id = body === "" ? undefined : JSON.parse(body).ID;
    const mine = id === undefined || (all.lock?.ID ?? "") === id;
    if (!mine) return new Response(null, { status: gitlab ? 409 : 423 });
    all.lock = undefined;
    return new Response(null);
  }

  function update(id: string | null, body: string): Response {
    if (gitlab && body === "") return new Response(null, { status: 204 });
    if (gitea) return updateGitea(id, body);
    if (flavour !== "verbs, careless" && (all.lock?.ID ?? null) !== id) {
      // GitLab catches this error where it locks and unlocks, and not here.
      return gitlab
        ? Response.json({ message: "500 Internal Server Error" }, { status: 500 })
        : Response.json(all.lock ?? {}, { status: 423 });
    }
    if (gitlab) {
      let serial: unknown;
      try {
        serial = JSON.parse(body).serial;
      } catch {
        return unprocessable("invalid JSON");
      }
      if (typeof serial !== "number") return unprocessable("No serial in payload");
      if (serial > 2 ** 31 - 1) return Response.json({ message: "500" }, { status: 500 });
      if (serials.has(serial)) {
        return unprocessable(
          "PG::UniqueViolation: ERROR:  duplicate key value violates unique constraint " +
            '"index_terraform_state_versions_on_state_id_and_version"',
        );
      }
      serials.add(serial);
    }
    all.versions.push(body);
    return new Response(null);
  }

  /** A state that nobody has locked takes any `ID`, and needs serial and lineage. */
  function updateGitea(id: string | null, body: string): Response {
    if (all.lock !== undefined && all.lock.ID !== id) {
      return Response.json(all.lock, { status: 423 });
    }
    const { serial, lineage } = JSON.parse(body);
    if (!(serial > 0 && lineage)) return new Response("is missing", { status: 400 });
    if (serials.has(serial)) return new Response("package file already exists", { status: 409 });
    serials.add(serial);
    all.versions.push(body);
    return new Response(null, { status: 201 });
  }

  function unprocessable(message: string): Response {
    return Response.json({ message }, { status: 422 });
  }

  const address = `http://127.0.0.1:${server.addr.port}${path}`;
  const all: StateServer = {
    address,
    user,
    password,
    location: address.replace("://", `://${user}:${encodeURIComponent(password)}@`),
    versions: [],
    lock: undefined,
    requests: [],
    faults: [],
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
  return all;
}
