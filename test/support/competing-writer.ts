/** Somebody who labels and annotates the same objects all the time, through a real API server: every write of others may meet a newer version. */
import { Agent, request } from "node:https";
import type { KubeCluster } from "./kube.js";

const KINDS = ["videoflows", "flowtasks", "deviceclaims"] as const;
const BASE = "/apis/videoflow.io/v1alpha1";

export interface CompetingWriter {
  /** Patches that were taken. */
  readonly writes: number;
  /** Ends it, and whatever it has under way. */
  stop(): Promise<void>;
}

/** Patches all flows, tasks and claims of the namespace `default`, one after the other and each as fast as it can. */
export function competingWriter(cluster: KubeCluster): CompetingWriter {
  const agent = new Agent({ rejectUnauthorized: false, keepAlive: true });
  const state = { writes: 0, isOver: false };
  const ask = (method: string, path: string, body?: object) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const headers = { "content-type": "application/merge-patch+json", "user-agent": "competitor" };
      const sent = request({ host: "127.0.0.1", port: cluster.port, path, method, headers, agent }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  const write = async (plural: string) => {
    for (let round = 0; !state.isOver; round += 1) {
      const { items } = JSON.parse((await ask("GET", `${BASE}/namespaces/default/${plural}`)).text) as {
        items: { metadata: { name: string } }[];
      };
      if (items.length === 0) await new Promise((resume) => setTimeout(resume, 5));
      for (const { metadata } of items) {
        const mark = {
          metadata: { labels: { "example.com/round": String(round) }, annotations: { "example.com/by": `competitor ${round}` } },
        };
        const { status } = await ask("PATCH", `${BASE}/namespaces/default/${plural}/${metadata.name}?fieldManager=competitor`, mark);
        if (status === 200) state.writes += 1;
        else if (status !== 404 && status !== 409) throw new Error(`the competitor is answered ${status}`);
        if (state.isOver) return;
      }
    }
  };
  const working = Promise.all(KINDS.map(write));
  working.catch(() => {}); // Told by stop().
  return {
    get writes() {
      return state.writes;
    },
    stop: async () => {
      state.isOver = true;
      await working.finally(() => agent.destroy());
    },
  };
}
