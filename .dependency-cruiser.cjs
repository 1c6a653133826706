// The rule of the layers as import rules: a folder of src/ imports itself and the folders that layers.cjs names for it.
const layers = require("./layers.cjs");

const folders = Object.keys(layers);

/** The folders that `folder` may not import, as one rule; undefined where everything is allowed. */
function layerRule(folder) {
  const { imports } = layers[folder];
  if (imports.includes("*")) return undefined;
  const allowed = [folder, ...imports];
  return {
    name: `layer-${folder}`,
    severity: "error",
    comment: `src/${folder} may import ${imports.map((name) => `src/${name}`).join(", ") || "no other folder"} (layers.cjs). Move the code down, or hand it in from src/main.`,
    from: { path: `^src/${folder}/` },
    to: { path: "^src/", pathNot: `^src/(${allowed.join("|")})/` },
  };
}

module.exports = {
  forbidden: [
    ...folders.map(layerRule).filter((rule) => rule !== undefined),
    {
      name: "known-folder",
      severity: "error",
      comment: "Every folder of src/ is a layer: add it to layers.cjs and say in an ADR why it exists.",
      from: { path: "^src/([^/]+)/", pathNot: `^src/(${folders.join("|")})/` },
      to: {},
    },
    {
      name: "no-cycle",
      severity: "error",
      comment: "Two files that import each other are one file, or have a third one in common: extract it.",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "no-test-in-src",
      severity: "error",
      comment: "src/ never imports test/, bench/ or scripts/: move what both need into src/.",
      from: { path: "^src/" },
      to: { path: "^(test|bench|scripts|examples)/" },
    },
    {
      name: "no-unresolved",
      severity: "error",
      comment: "The import leads nowhere: correct its path (relative imports end in .js).",
      from: {},
      to: { couldNotResolve: true, pathNot: "^(tsx|bun)" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(dist|node_modules)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      extensions: [".ts", ".js", ".mjs", ".cjs", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
    },
  },
};
