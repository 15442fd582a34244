/**
 * The planner: what a stack wants, what the hosts have and what the record knows become a plan.
 *
 * Everything here is pure: no I/O, no clock, no chance, and no provider by name; kinds are passed
 * in. The same input gives the same plan, byte for byte.
 *
 * The way through: `validateTopology`, `select`, `readRequests` (someone else reads), `factsNeeded`
 * (someone else asks), `makePlan`, `renderPlanJson`. What happens to each resource, and why, is said in
 * `decide/`: one rule a file, and `make_plan.ts` has their order; `steps.ts` makes steps of that.
 *
 * @module
 */

export {
  type AddressIssue,
  type AddressRange,
  type AddressRequest,
  defaultGateway,
  dynamicRange,
  formatAddress,
  parseAddress,
  parseSubnet,
  preferredAddress,
  type Reservations,
  reserve,
  type Subnet,
} from "./addresses.ts";
export { exceedsDisruption, worst } from "./decide/decision.ts";
export { declaredAfter, type DeclaredAfterInput } from "./declared_after.ts";
export { canonicalJson, digest, sameJson } from "./digest.ts";
export { closure, type Graph, levels, type Ordered, reversed, topologicalOrder } from "./graph.ts";
export { nicMac, resourceUuid, STADDLE_NAMESPACE } from "./identity.ts";
export { deletedAfterCreate, isLeftover, leftoverAddress, ownerOf } from "./leftover.ts";
export { type MadePlan, makePlan, type PlanInput } from "./make_plan.ts";
export { nearest } from "./nearest.ts";
export type { ObservedByHost } from "./observed.ts";
export { parsePath, type PathPart, pathText, withChanges } from "./paths.ts";
export {
  type Action,
  type Drift,
  type OutputChange,
  type Plan,
  PLAN_FORMAT,
  type Reason,
  type ResourcePlan,
  type Summary,
} from "./plan.ts";
export {
  type DocumentOptions,
  MASK,
  parsePlanJson,
  type PlanDocument,
  planDocument,
  planJsonSchema,
  type PlanSignature,
  renderPlanJson,
  signedText,
  TERRAFORM_FORMAT,
  withSignature,
} from "./plan_json.ts";
export { planSchema } from "./plan_schema.ts";
export { makeRefreshPlan } from "./refresh.ts";
export { factsForeseen, factsNeeded, type ReadRequests, readRequests } from "./requests.ts";
export { type Dependencies, dependencies, type Kinds } from "./resolve.ts";
export { matchesPattern } from "./pattern.ts";
export { type Scope, select, type Selection } from "./select.ts";
export { exceeds, type Excess, hasChanges, planDisruption, summarize } from "./summary.ts";
export { type Output, type Topology, TOPOLOGY_FORMAT, topologySchema } from "./topology.ts";
export { heedingUsers, type UsesByHost } from "./decide/users.ts";
export { type Validated, validateTopology } from "./validate.ts";
export { type WayBack, wayBack } from "./way_back.ts";
