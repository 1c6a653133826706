// Loads a script of the bundle. What the engine has compiled of it is kept beside it and used by the next process of the same kind:
// most of the start of a process went into compiling.
const { mkdir, mkdirSync, readFileSync, rename, renameSync, rm, statSync, writeFile, writeFileSync } = require("node:fs");
const { basename, dirname } = require("node:path");
const vm = require("node:vm");

/** By then a process has called most of the functions that it will. */
const SETTLED_MS = 3_000;
/** Of many that were started at once, one keeps it. */
const TURN_MS = 100;
/** A process that outlives a new build must not leave its code to the next one. */
const build = "BUILD";
const folder = `${__dirname}/compiled`;
const loaded = new Map();

/** @returns the exports of the script `<name>.js` of this folder. */
module.exports = function load(name) {
  if (!loaded.has(name)) loaded.set(name, evaluate(name));
  return loaded.get(name);
};

function evaluate(name) {
  const file = `${__dirname}/${name}.js`;
  const kept = `${folder}/${name}-${build}-${process.version}-${process.arch}-${kindOfProcess()}`;
  const source = readFileSync(file, "latin1"); // The build writes nothing but ASCII.
  const cachedData = readIfThere(kept);
  const script = new vm.Script(`(function (exports, require, module, __filename, __dirname, __import) {${source}\n})`, {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  if (cachedData === undefined || script.cachedDataRejected) keepOnce(script, kept);
  const module = { exports: {} };
  script.runInThisContext()(module.exports, requireHere, module, file, __dirname, importHere);
  return module.exports;
}

/** The scripts of this folder name each other. */
function requireHere(id) {
  return id.startsWith("./") ? module.exports(basename(id, ".js")) : require(id);
}

/** A script that was compiled apart cannot import for itself. */
function importHere(specifier) {
  return import(specifier);
}

/** Processes of one kind call much the same functions: of the command line those of one command. */
function kindOfProcess() {
  const main = require.main?.filename ?? "";
  if (dirname(main) !== __dirname) return "other";
  const command = /^[a-z]{1,20}$/.test(process.argv[2] ?? "") ? `-${process.argv[2]}` : "";
  return `${basename(main, ".js")}${command}`;
}

function readIfThere(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** At its good end, or once it has run for a while: what is killed, and what runs on for weeks, keeps its code too. */
function keepOnce(script, path) {
  const found = versionOf(path);
  const atEnd = (code) => code === 0 && keep(script, path);
  process.once("exit", atEnd);
  const later = SETTLED_MS + (process.pid % 20) * TURN_MS;
  setTimeout(() => {
    process.off("exit", atEnd);
    if (versionOf(path) === found) keepAside(script, path);
  }, later).unref();
}

/** Changes when somebody keeps code there. */
function versionOf(path) {
  try {
    return statSync(path).ino;
  } catch {
    return undefined;
  }
}

/** Nothing waits for the disk. */
function keepAside(script, path) {
  const fresh = `${path}.${process.pid}`;
  mkdir(folder, { recursive: true }, () =>
    writeFile(fresh, script.createCachedData(), { flush: true }, (error) =>
      error === null ? rename(fresh, path, () => {}) : rm(fresh, { force: true }, () => {}),
    ),
  );
}

/** With all functions that this process has called. Where the folder belongs to somebody else, every process compiles. */
function keep(script, path) {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${path}.${process.pid}`, script.createCachedData(), { flush: true });
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    // The next process tries again.
  }
}
