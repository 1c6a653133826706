/** Which events a change of a task or of this host is worth. Pure. */
import type { FlowTask, FlowTaskStatus, HostStatus } from "../api/kinds.js";
import type { EventNote } from "../store/event-recorder.js";

/**
 * @param before the task with its status until now.
 * @param log the end of the task's log, if the status does not tell it: what nobody starts again is told of with it.
 */
export function taskStory(before: FlowTask, status: FlowTaskStatus, log?: string): EventNote[] {
  const { phase, reason = "", message = "", lastExit, restarts = 0 } = status;
  const old = before.status;
  if (phase === "Failed" && old?.phase !== "Failed")
    return [{ type: "Warning", reason: reason || "Failed", message: [endText(message, lastExit), log].filter(Boolean).join("\n") }];
  if (phase === "Backoff" && (old?.phase !== "Backoff" || old.restarts !== restarts))
    return [{ type: "Warning", reason: "BackOff", message: endText(message, lastExit) }];
  if (restarts > (old?.restarts ?? 0))
    return [{ type: "Warning", reason: "Restarted", message: endText("the process ended and starts again", lastExit) }];
  if (phase === "Running" && old?.phase !== "Running")
    return [{ type: "Normal", reason: "Started", message: `the task runs${providerText(status)}` }];
  return [];
}

function providerText({ provider, providerReason }: FlowTaskStatus): string {
  return provider === undefined ? "" : ` on ${provider}${providerReason === undefined ? "" : ` (${providerReason})`}`;
}

/** What was decided, how the process ended, and the last lines of its log. */
function endText(text: string, lastExit: FlowTaskStatus["lastExit"]): string {
  if (lastExit === undefined) return text;
  const how = lastExit.signal ?? `exit code ${lastExit.code}`;
  return `${text}; it ended with ${how} (${lastExit.reason})${lastExit.message === undefined ? "" : `: ${lastExit.message}`}`;
}

/** Devices that can be granted no more, or again. */
export function hostStory(before: HostStatus | undefined, status: HostStatus): EventNote[] {
  if (before === undefined) return [];
  const now = new Map((status.devices ?? []).map((device) => [device.uuid, device]));
  return (before.devices ?? []).flatMap(({ uuid, healthy }): EventNote[] => {
    const device = now.get(uuid);
    if (device === undefined) return [{ type: "Warning", reason: "DeviceGone", message: `device ${uuid} is gone` }];
    if (healthy && !device.healthy)
      return [{ type: "Warning", reason: "DeviceTainted", message: `device ${uuid}: ${device.message ?? "not healthy"}` }];
    return !healthy && device.healthy ? [{ type: "Normal", reason: "DeviceHealthy", message: `device ${uuid} can be granted again` }] : [];
  });
}
