/**
 * Jest runs tests in a realm with typed arrays of its own; onnxruntime's native code makes those of the outer realm and
 * compares classes. Test files that compute with it say `@jest-environment ./test/support/native-arrays-environment.cjs`.
 */
const { TestEnvironment } = require("jest-environment-node");

module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    Object.assign(this.global, { ArrayBuffer, Uint8Array, Int8Array, Uint16Array, Int16Array, Int32Array, Uint32Array });
    Object.assign(this.global, { Float32Array, Float64Array, BigInt64Array, BigUint64Array });
  }
};
