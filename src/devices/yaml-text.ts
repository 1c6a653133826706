/** YAML by its name: a bundled CommonJS package that is imported dynamically has no named exports. Loaded when first used. */
export { parse } from "yaml";
