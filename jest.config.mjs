// The default suites need no root, GPU, network or shared assets. VIDEOFLOW_SUITE=assets runs those that read real clips,
// VIDEOFLOW_SUITE=kube those that need a Kubernetes API server (test/support/kube.ts says what they look for).
const suite = process.env.VIDEOFLOW_SUITE;
const SUITES = {
  assets: "<rootDir>/test/assets/**/*.test.ts",
  kube: "<rootDir>/test/kube/**/*.test.ts",
};

export default {
  testEnvironment: "node",
  roots: ["<rootDir>/test"],
  globalSetup: "<rootDir>/test/support/global-setup.mjs",
  setupFiles: ["<rootDir>/test/support/fixed-seed.ts"],
  testMatch: [SUITES[suite] ?? "<rootDir>/test/{unit,property,sim,process,e2e}/**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      { jsc: { target: "es2022", parser: { syntax: "typescript" } }, module: { type: "es6" }, sourceMaps: "inline" },
    ],
  },
  maxWorkers: 2,
  testTimeout: suite === "kube" ? 480_000 : 180_000, // Only what hangs meets it, on a slow and busy machine too.
};
