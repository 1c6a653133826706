/** What the documents say about clusters, followed word for word: every command in order, in a shell, with a home of its own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { CLI, type Ended, type Workplace, workplace } from "../support/flow-process.js";
import { KubeCluster, kubectlPath, until } from "../support/kube.js";
import { sectionOf, shellCommands } from "../support/shell-blocks.js";

const GUIDE = readFileSync("docs/guides/kubernetes.md", "utf8");
const README = readFileSync("README.md", "utf8");
const ASSETS = resolve(process.env["VIDEOFLOW_ASSETS"] ?? "../shared/assets");
/** Commands that this test cannot run, by their first word: there is no registry of images, and building one takes minutes. */
const NOT_RUN = ["podman"];
/** The commands that go on until they are told to end: the first two of the three terminals. */
const ENDLESS = /^videoflow (controller|agent) /;
const STARTED = /probes|answers on|controller \S+ of http/;

/** The guide speaks to a user who is not root; root gets such a user in a user namespace, who owns what root owns. */
const ORDINARY = process.getuid?.() === 0 ? ["unshare", "--user", "--map-user=1000", "--map-group=1000"] : [];

interface Terminal {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly output: () => string;
}

let cluster: KubeCluster;
let place: Workplace;
let home: string;
const background: Terminal[] = [];

beforeAll(async () => {
  const [program = "true", ...args] = [...ORDINARY, "true"];
  if (spawnSync(program, args).status !== 0)
    throw new Error(`${program} ${args.join(" ")} fails: run these tests as a user who is not root`);
  cluster = await KubeCluster.start({ crds: false });
  place = workplace();
  home = place.path("home");
  for (const folder of ["home/.kube", "bin"]) mkdirSync(place.path(folder), { recursive: true });
  copyFileSync(cluster.kubeconfig, join(home, ".kube/config"));
  symlinkSync(kubectlPath(), place.path("bin/kubectl"));
  for (const name of ["videoflow", "kubectl-videoflow"]) symlinkSync(CLI, place.path(`bin/${name}`)); // As npm installs them.
});
afterAll(async () => {
  for (const { child, ended } of background.toReversed()) {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid as number), "SIGTERM");
    await ended;
  }
  // The folder of locks that the flows of a user share stays; leftovers() knows only that of the test's own user.
  const left = place?.leftovers().filter((name) => name !== "videoflow-1000");
  await place?.remove();
  await cluster?.stop();
  expect(left).toEqual([]);
});

/** Types a command into a shell. */
function type(command: string, cwd: string): Terminal {
  const { KUBECONFIG: _config, VIDEOFLOW_STATE_DIR: _state, XDG_STATE_HOME: _home, ...inherited } = process.env;
  const env = {
    ...inherited,
    HOME: home,
    PATH: `${place.path("bin")}:${process.env["PATH"]}`,
    TMPDIR: place.path("tmp"),
    VIDEOFLOW_SHM: place.shm,
  };
  const [program = "bash", ...args] = [...ORDINARY, "bash", "-c", command];
  const child = spawn(program, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const texts = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    texts.out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    texts.err += text;
  });
  const ended = new Promise<Ended>((done) => {
    child.on("close", (code) => done({ code, ...texts }));
  });
  return { child, ended, output: () => texts.out + texts.err };
}

/** Types a command and waits until it is done, or has started what goes on. @returns what it printed. */
async function follow(command: string, cwd = resolve(".")): Promise<string> {
  const terminal = type(command, cwd);
  if (ENDLESS.test(command)) {
    background.push(terminal);
    await until(() => STARTED.test(terminal.output()) || terminal.child.exitCode !== null, `${command}: ${terminal.output()}`);
    expect([command, terminal.child.exitCode, terminal.output()]).toEqual([command, null, expect.any(String)]);
    return terminal.output();
  }
  const { code, out, err } = await terminal.ended;
  if (code !== 0 && command.startsWith("kubectl explain")) return follow(command, cwd); // The server publishes schemas a moment later.
  if (code !== 0)
    throw new Error(`${command}\nends with ${code}:\n${out}${err}\n${background.map(({ output }) => output()).join("\n---\n")}`);
  return out;
}

const linesOf = (path: string) => readFileSync(path, "utf8").trimEnd().split("\n");

test("the guide: every command does what the guide says", async () => {
  const commands = shellCommands(GUIDE);
  const skipped = commands.filter((command) => NOT_RUN.includes(command.split(" ")[0] ?? ""));
  process.stderr.write(`NOT RUN: ${skipped.join("; ")}\n`);
  const printed: [command: string, output: string][] = [];
  for (const command of commands.filter((one) => !skipped.includes(one))) printed.push([command, await follow(command)]);

  expect(skipped).toEqual(["podman build -f manifests/install/Containerfile -t videoflow:0.1.0 ."]);
  const said = (start: string) => printed.find(([command]) => command.startsWith(start))?.[1] ?? `no command ${start}`;
  expect(said("kubectl get deployments")).toMatch(/deployment\S+videoflow-controller[\s\S]*daemonset\S+videoflow-agent/);
  expect(said("kubectl apply -f manifests/flows/01")).toContain("videoflow.videoflow.io/count created");
  expect(said("kubectl explain vf")).toMatch(/required\s+<boolean>/);
  expect(said("kubectl wait --for=condition=Succeeded")).toContain("videoflow.videoflow.io/count condition met");
  expect(said("kubectl describe vf count")).toMatch(/Succeeded[\s\S]*Events:[\s\S]*Admitted/);
  expect(said("kubectl videoflow logs")).toBe(""); // Its tasks have nothing to say.
  expect(said("kubectl videoflow top")).toContain("count.first.0");
  expect(said("kubectl videoflow explain")).toMatch(/count\.first\.1 +cpu +node first asks for no GPU/);
  expect(said("kubectl delete vf")).toContain('"count" deleted');
  expect(linesOf(join(home, ".local/state/videoflow/root/numbers.jsonl"))).toHaveLength(100);
  const bound = await cluster.kubectlOk(["get", "rolebindings,clusterrolebindings", "-A", "-o", "name"]);
  for (const name of ["alice-edits", "alice-explains", "videoflow-agent-secrets"]) expect(bound).toContain(`/${name}`);
});

test("the options of the service and of the derived image's base are there", () => {
  const help = readFileSync("docs/cli.md", "utf8");
  const service = /^ExecStart=\/usr\/bin\/env videoflow agent (.*)$/m.exec(GUIDE)?.[1] ?? "";
  const options = service.split(" ").filter((word) => word.startsWith("--"));
  expect(options).toEqual(["--kubeconfig", "--state-dir", "--root"]);
  for (const option of options) expect(help).toContain(option);
  expect(GUIDE).toContain(`/${"videoflow-agent.service"}`);
  expect(existsSync("manifests/systemd/videoflow-agent.service")).toBe(true);
});

const hasAssets = existsSync(ASSETS);
if (!hasAssets) process.stderr.write(`SKIPPED: the README's flow in a cluster needs a clip and a model: VIDEOFLOW_ASSETS=${ASSETS}\n`);
(hasAssets ? test : test.skip)("the README: its flow waits in the cluster until its files are on the host, and succeeds", async () => {
  const folder = place.path("readme");
  mkdirSync(folder);
  for (const name of ["crds", "manifests"]) symlinkSync(resolve(name), join(folder, name));
  const flow = /^```yaml\n(# flow.yaml\n[\s\S]*?)^```/m.exec(README)?.[1] ?? "";
  place.write("readme/flow.yaml", flow);
  const commands = shellCommands(sectionOf(README, "## In a cluster"));
  expect(commands.map((command) => command.split(" ")[0])).toEqual(commands.map(() => "kubectl"));
  for (const command of commands.slice(0, -1)) await follow(command, folder);
  await follow("kubectl wait vf/intersection --for=condition=Admitted=False --timeout=120s", folder);
  const root = join(home, ".local/state/videoflow/root");
  const told = () => cluster.kubectlOk(["get", "vf", "intersection", "-o", "jsonpath={.status.conditions}"]);
  for (const name of ["highway.mp4", "yolox_nano.onnx"])
    await until(async () => (await told()).includes(`there is no file ${join(root, name)}`), `${name} is missed`);
  expect(await told()).toContain("host edge-1: node reader: ");
  copyFileSync(join(ASSETS, "clips/highway-two-cars.mp4"), join(root, "highway.mp4"));
  copyFileSync(join(ASSETS, "models/yolox_nano.onnx"), join(root, "yolox_nano.onnx"));
  expect(await follow(commands.at(-1) as string, folder)).toContain("condition met");
  expect(readFileSync(join(root, "out.mp4")).length).toBeGreaterThan(10_000);
  await follow("kubectl delete vf intersection --timeout=120s", folder);
});
