// The default suites need no root, GPU, network or shared assets. VIDEOFLOW_SUITE=assets adds those that read real clips.
const assets = process.env.VIDEOFLOW_SUITE === "assets";

export default {
  testEnvironment: "node",
  roots: ["<rootDir>/test"],
  globalSetup: "<rootDir>/test/support/global-setup.mjs",
  setupFiles: ["<rootDir>/test/support/fixed-seed.ts"],
  testMatch: assets ? ["<rootDir>/test/assets/**/*.test.ts"] : ["<rootDir>/test/{unit,property,sim,process,e2e}/**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      { jsc: { target: "es2022", parser: { syntax: "typescript" } }, module: { type: "es6" }, sourceMaps: "inline" },
    ],
  },
  maxWorkers: 2,
  testTimeout: 30_000,
};
