/** Which part of each status its writers own: one writer per field (docs/adr/0010-kubernetes-store.md). Pure. */
import { REACHABLE } from "../../api/host-lease.js";
import type { OwnedStatus } from "./kubernetes-store.js";

type Status = Readonly<Record<string, unknown>>;

/** The controller says of a host and of its tasks whether anybody hears of them. */
export const CONTROLLER_STATUS: OwnedStatus = { VideoFlow: (status) => status, FlowTask: reachableOf, Host: reachableOf };
/** The agent says everything else. */
export const AGENT_STATUS: OwnedStatus = { FlowTask: allBut, Host: allBut, HostQuery: (status) => status };

function reachableOf(status: Status): Status {
  return { conditions: conditionsOf(status).filter(({ type }) => type === REACHABLE) };
}

function allBut({ conditions, ...rest }: Status): Status {
  const own = conditionsOf({ conditions }).filter(({ type }) => type !== REACHABLE);
  return own.length === 0 ? rest : { ...rest, conditions: own };
}

function conditionsOf({ conditions }: Status): readonly { readonly type: string }[] {
  return (conditions ?? []) as readonly { readonly type: string }[];
}
