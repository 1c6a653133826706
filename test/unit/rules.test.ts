import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { FlowTask } from "../../src/api/kinds.js";
import type { Refusal } from "../../src/api/refusal.js";
import { hider } from "../../src/base/hide.js";
import { DESCRIPTORS } from "../../src/components/descriptors.js";
import { AllowedComponents } from "../../src/rules/allowed-components.js";
import { HostRules, type HostRulesOptions } from "../../src/rules/host-rules.js";
import { realPlace } from "../../src/rules/real-place.js";
import { RememberedSecrets, type SecretRead } from "../../src/rules/secrets.js";
import { aTask } from "../support/processes-agent.js";

let dir: string;
let root: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "vf-rules-"));
  root = join(dir, "root");
  mkdirSync(root);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function put(path: string, content: string | Uint8Array = ""): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

type Member = Partial<FlowTask["spec"]["members"][number]>;
const aMember = (component: string, params: object = {}): Member => ({
  name: "n",
  role: "Consumer",
  component,
  params: { ...params },
  inputs: [],
});
const taskOf = (member: Member, spec: Partial<FlowTask["spec"]> = {}) => aTask({ node: "n", members: [member as never], ...spec });

function rules(options: Partial<HostRulesOptions> & { readonly allow?: string } = {}): HostRules {
  const { allow = "builtin,root", ...rest } = options;
  const list = allow.split(",");
  return new HostRules({
    host: "edge-1",
    describe: (component) => DESCRIPTORS.get(component),
    root,
    allowed: new AllowedComponents(list, rest.root ?? root),
    ...rest,
  });
}

const refusal = async (member: Member, options: Parameters<typeof rules>[0] = {}, spec: Partial<FlowTask["spec"]> = {}) =>
  (await rules(options).refusal(taskOf(member, spec))) ?? ({ reason: "none", message: "" } as const);
const reasonOf = async (...args: Parameters<typeof refusal>) => (await refusal(...args)).reason;

describe("components", () => {
  test("built-ins and modules below the root by default; what runs code of the flow only by name", async () => {
    put(join(root, "own.mjs"), "export class Own {}");
    put(join(dir, "other.mjs"), "export class Own {}");
    expect(await reasonOf(aMember("VoidConsumer"))).toBe("none");
    expect(await reasonOf(aMember("./own.mjs#Own"))).toBe("none");
    expect(await reasonOf(aMember(`${dir}/other.mjs#Own`))).toBe("ComponentNotAllowed");
    expect(await reasonOf(aMember("../other.mjs#Own"))).toBe("ComponentNotAllowed");
    expect(await reasonOf(aMember("FunctionProcessorNode", { source: "(x) => x" }))).toBe("ComponentNotAllowed");
    expect(await reasonOf(aMember("DeadLetterResults", { folder: dir, letters: [] }))).toBe("ComponentNotAllowed");
    expect(await reasonOf(aMember("python:os:Any"))).toBe("ComponentNotAllowed");
  });

  test("dead letters are reached by the name of a flow of the namespace, and nothing else beside them", async () => {
    const deadLettersDir = ({ namespace, name }: { namespace: string; name: string }) => join(dir, "letters", namespace, name);
    const reader = (folder: string, letters: unknown = ["ab-1.n.3.0"]) => aMember("DeadLetterReader", { folder, letters });
    const settled = await rules({ deadLettersDir }).settle(taskOf(reader("deadletters:count")));
    expect(settled.members.map(({ params }) => params["folder"])).toEqual([join(dir, "letters", "default", "count")]);
    for (const member of [
      reader("deadletters:../other/count"),
      reader("deadletters:"),
      reader("deadletters:count", ["../../other/count/ab-1.n.3.0"]),
      reader("deadletters:count", [".."]),
      reader("deadletters:count", "all"),
      reader(join(dir, "letters", "default", "count")),
      aMember("FunctionProcessorNode", { folder: "deadletters:count", letters: [] }),
    ])
      expect(await reasonOf(member, { deadLettersDir })).toBe("ComponentNotAllowed");
    expect(await reasonOf(reader("deadletters:count"))).toBe("ComponentNotAllowed");
  });

  test("a link out of the root does not escape; a link to it and inside it does no harm", async () => {
    put(join(dir, "other.mjs"), "export class Own {}");
    put(join(root, "own.mjs"), "export class Own {}");
    symlinkSync(join(dir, "other.mjs"), join(root, "linked.mjs"));
    symlinkSync(dir, join(root, "folder"));
    symlinkSync("own.mjs", join(root, "inside.mjs"));
    symlinkSync(root, join(dir, "alias"));
    expect(await reasonOf(aMember("./linked.mjs#Own"))).toBe("ComponentNotAllowed");
    expect(await reasonOf(aMember("./folder/other.mjs#Own"))).toBe("ComponentNotAllowed");
    expect(await reasonOf(aMember("./inside.mjs#Own"))).toBe("none");
    expect(await reasonOf(aMember("./own.mjs#Own"), { root: join(dir, "alias") })).toBe("none");
  });

  test("names, files, folders and Python modules can be listed; the refusal tells the option that would allow it", async () => {
    const other = put(join(dir, "more", "other.mjs"), "export class Own {}");
    put(join(root, "pack", "nodes.py"));
    const told = await refusal(aMember(`${other}#Own`));
    expect(told.message).toBe(
      `host edge-1: node n: component: component ${other}#Own is not among those that the agent allows (builtin,root); it would with --allow-components builtin,root,${other}`,
    );
    for (const allow of [other, join(dir, "more"), "../more", "any"])
      expect(await reasonOf(aMember(`${other}#Own`), { allow })).toBe("none");
    expect(await reasonOf(aMember(`${other}#Own`), { allow: `${other}x` })).toBe("ComponentNotAllowed");
    expect(await reasonOf(aMember("VoidConsumer"), { allow: "CountAggregator" })).toBe("ComponentNotAllowed");
    expect(await reasonOf(aMember("VoidConsumer"), { allow: "VoidConsumer" })).toBe("none");
    expect(await reasonOf(aMember("python:pack.nodes:Mine"))).toBe("none");
    expect(await reasonOf(aMember("python:os:Any"), { allow: "python:os" })).toBe("none");
  });

  test("variables that load code are refused where components are chosen", async () => {
    for (const name of ["LD_LIBRARY_PATH", "PYTHONPATH", "NODE_PATH", "PATH", "VIDEOFLOW_PYTHON"]) {
      const env = [{ name, value: "/elsewhere" }];
      expect(await reasonOf(aMember("VoidConsumer"), {}, { env })).toBe("ComponentNotAllowed");
      expect(await reasonOf(aMember("VoidConsumer"), { allow: "any" }, { env })).toBe("none");
    }
    expect(await reasonOf(aMember("VoidConsumer"), {}, { env: [{ name: "TZ", value: "UTC" }] })).toBe("none");
  });

  test("an agent that is root, and was not told so, starts nothing", async () => {
    expect(await refusal(aMember("VoidConsumer"), { isRootUnasked: true })).toMatchObject({ reason: "RootNotAllowed" });
  });
});

describe("paths", () => {
  const writer = (path: unknown) => aMember("FileAppender", { path });
  const reader = (path: string) => ({ ...aMember("VideoFileReader", { path }), role: "Producer" as const });

  test("are relative to the root, made absolute, and looked at before anything starts", async () => {
    put(join(root, "clips", "a.mp4"));
    const settled = await rules().settle(taskOf(reader("clips/a.mp4"), { workingDir: "clips" }));
    expect(settled).toMatchObject({ members: [{ params: { path: join(root, "clips/a.mp4") } }], workingDir: join(root, "clips"), root });
    expect(await refusal(reader("clips/b.mp4"))).toEqual({
      reason: "FileMissing",
      message: `host edge-1: node n: params.path: there is no file ${root}/clips/b.mp4`,
    });
    expect(await reasonOf(aMember("./gone.mjs#Own"))).toBe("FileMissing");
    put(join(root, "own.mjs"), "export class Own {}");
    expect(await refusal(aMember("./own.mjs#Other"))).toMatchObject({
      reason: "FileMissing",
      message: expect.stringContaining("exports no Other"),
    });
    expect(await reasonOf(aMember("VoidConsumer"), {}, { workingDir: "nowhere" })).toBe("FileMissing");
  });

  test("may not lead outside: by name, by link, by dangling link, by address; nothing outside is looked at", async () => {
    put(join(dir, "secret.txt"), "x");
    symlinkSync(dir, join(root, "up"));
    symlinkSync(join(dir, "not-there.txt"), join(root, "dangling"));
    symlinkSync("circle", join(root, "circle"));
    const outside = [
      "../secret.txt",
      "../absent.txt",
      "up/secret.txt",
      "up/new/file.txt",
      "dangling",
      "circle",
      "/etc/passwd",
      join(dir, "x"),
    ];
    for (const path of outside) {
      expect([path, await reasonOf(writer(path))]).toEqual([path, "PathNotAllowed"]);
      expect([path, await reasonOf(reader(path))]).toEqual([path, "PathNotAllowed"]);
    }
    for (const path of ["out.txt", "new/folder/out.txt", join(root, "out.txt"), "a..b"])
      expect([path, await reasonOf(writer(path))]).toEqual([path, "none"]);
    for (const path of ["file:///etc/passwd", "FILE:///etc/passwd", "concat://x", "subfile://x"])
      expect(await reasonOf(writer(path))).toBe("PathNotAllowed");
    const stream = (params: object) => ({ ...aMember("VideostreamReader", params), role: "Producer" as const });
    expect(await reasonOf(stream({ url: "file:///etc/passwd" }))).toBe("PathNotAllowed");
    expect(await reasonOf(stream({ url: "rtsp://camera/1" }))).toBe("none");
    expect(await reasonOf(stream({ url: "http://x/a.m3u8", options: { protocol_whitelist: "file,http" } }))).toBe("PathNotAllowed");
    const env = [{ name: "A", valueFrom: { file: "../secret.txt" } }];
    expect(await reasonOf(aMember("VoidConsumer"), {}, { env })).toBe("PathNotAllowed");
  });

  test("without a root nothing is confined", async () => {
    const { root: _none, ...free } = { root, allow: "any" };
    const open = new HostRules({ host: "h", describe: (name) => DESCRIPTORS.get(name), allowed: new AllowedComponents([free.allow]) });
    expect(await open.refusal(taskOf(writer(join(dir, "x"))))).toBeUndefined();
  });

  test("links are followed to the end, also where nothing is", () => {
    symlinkSync("b/c", join(root, "a"));
    mkdirSync(join(root, "b"));
    symlinkSync("../../elsewhere", join(root, "b", "c"));
    expect(realPlace(join(root, "a", "d"))).toBe(join(dir, "elsewhere", "d"));
    expect(realPlace("/")).toBe("/");
  });
});

describe("values", () => {
  const from = (file: string) => ({ valueFrom: { file } });

  test("come beside the params, with the last line break left out, and are known to be hidden", async () => {
    put(join(root, "token"), "s3cret\n");
    put(join(root, "two"), "line 1\r\nline 2\r\n");
    const member = { ...aMember("./own.mjs#Own", { a: { b: [1, from("token")] }, c: 2 }) };
    put(join(root, "own.mjs"), "export class Own {}");
    const settled = await rules().settle(
      taskOf(member, {
        env: [
          { name: "T", ...from("two") },
          { name: "U", value: "u" },
        ],
      }),
    );
    expect(settled.members[0]?.params).toEqual({ a: { b: [1, null] }, c: 2 });
    expect(settled.values).toEqual({
      params: [{ member: "n", path: ["a", "b", 1], value: "s3cret" }],
      hidden: ["s3cret", "line 1\r\nline 2"],
    });
    expect(settled.env).toEqual([
      { name: "T", value: "line 1\r\nline 2" },
      { name: "U", value: "u" },
    ]);
  });

  test("what is wrong with one is told by place, never by content", async () => {
    put(join(root, "bytes"), Uint8Array.of(0xff, 0xfe, 0x41));
    put(join(root, "nul"), "ab\0cd");
    put(join(root, "big"), "x".repeat(65_537));
    put(join(root, "codec"), "S3CRET-CODEC");
    put(join(root, "place"), "/etc/S3CRET");
    mkdirSync(join(root, "folder"));
    const cases: [Member, Refusal["reason"], string][] = [
      [aMember("FileAppender", { path: from("gone") }), "FileMissing", `params.path: there is no file ${root}/gone`],
      [aMember("FileAppender", { path: from("folder") }), "FileMissing", "is no file"],
      [aMember("FileAppender", { path: from("bytes") }), "ValueInvalid", "holds no UTF-8 text"],
      [aMember("FileAppender", { path: from("nul") }), "ValueInvalid", "holds a NUL byte"],
      [aMember("FileAppender", { path: from("big") }), "ValueInvalid", "holds more than 65536 bytes"],
      [
        aMember("VideoFileWriter", { path: "o.mp4", codec: from("codec") }),
        "ValueInvalid",
        "params.codec: the value that is read for it must be one of h264, h265",
      ],
      [aMember("FileAppender", { path: from("place") }), "PathNotAllowed", "the path in that value lies outside"],
    ];
    for (const [member, reason, text] of cases) {
      const told = await refusal(member);
      expect(told).toEqual({ reason, message: expect.stringContaining(text) });
      expect(told.message).not.toContain("S3CRET");
    }
  });

  test("Secrets: found, without the key, absent, forbidden, and no cluster at all", async () => {
    const answers: Record<string, SecretRead> = {
      full: { outcome: "Found", data: new Map([["token", Buffer.from("s3cret\n")]]) },
      forbidden: { outcome: "Refused", problem: "the agent may not" },
    };
    const asked: string[] = [];
    const secrets = {
      read: async (namespace: string, name: string) => {
        asked.push(`${namespace}/${name}`);
        return answers[name] ?? ({ outcome: "Absent" } as const);
      },
    };
    const env = (name: string, key: string) => ({ env: [{ name: "T", valueFrom: { secretKeyRef: { name, key } } }] });
    const settled = await rules({ secrets }).settle(taskOf(aMember("VoidConsumer"), env("full", "token")));
    expect(settled.env).toEqual([{ name: "T", value: "s3cret\n" }]); // As it stands there.
    expect(asked).toEqual(["default/full"]);
    const told = (name: string, key: string, has = true) => refusal(aMember("VoidConsumer"), has ? { secrets } : {}, env(name, key));
    expect(await told("full", "other")).toEqual({
      reason: "SecretMissing",
      message: expect.stringContaining("there is no key other of Secret default/full"),
    });
    expect(await told("none", "token")).toMatchObject({ reason: "SecretMissing" });
    expect(await told("forbidden", "token")).toMatchObject({
      reason: "SecretUnreadable",
      message: expect.stringContaining("the agent may not"),
    });
    expect(await told("full", "token", false)).toMatchObject({ reason: "SecretsUnavailable" });
  });

  test("a Secret that was read serves while nobody answers, and no longer once it is gone", async () => {
    const data = new Map([["k", Buffer.from("v")]]);
    const answers: SecretRead[] = [
      { outcome: "Found", data },
      { outcome: "Unreachable", problem: "x" },
      { outcome: "Absent" },
      { outcome: "Unreachable", problem: "x" },
    ];
    const remembered = new RememberedSecrets({ read: async () => answers.shift() as SecretRead });
    const seen = [];
    for (let i = 0; i < 4; i += 1) seen.push((await remembered.read("n", "s")).outcome);
    expect(seen).toEqual(["Found", "Found", "Absent", "Unreachable"]);
  });

  test("are hidden in every spelling; short ones are left alone", () => {
    const hide = hider(['p"ss/wörd', "first line\nsecond line", "abc"]);
    for (const text of ['x p"ss/wörd y', 'x p\\"ss/wörd y', `x ${encodeURIComponent('p"ss/wörd')} y`]) expect(hide(text)).toBe("x *** y");
    expect(hide("second line, first line, abc")).toBe("***, ***, abc");
    expect(hider([])("as it is")).toBe("as it is");
  });
});
