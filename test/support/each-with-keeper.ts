/** A keeper for each test of a file, built once. Apart from processes.ts, which programs outside of jest use too. */
import { afterAll, afterEach, beforeAll, beforeEach } from "@jest/globals";
import { openWorkshop, startKeeper, type TestKeeper, type Workshop } from "./processes.js";

/** @param use called before each test, with a fresh keeper and the folder that all tests of the file share. */
export function eachWithKeeper(use: (fresh: { readonly keeper: TestKeeper; readonly workshop: Workshop }) => void): void {
  let workshop: Workshop;
  let program: string;
  let keeper: TestKeeper;
  beforeAll(() => {
    workshop = openWorkshop();
    program = workshop.bundle("src/main/keeper.ts");
  });
  afterAll(() => workshop.remove());
  beforeEach(async () => {
    keeper = await startKeeper(program, workshop.dir);
    use({ keeper, workshop });
  });
  afterEach(() => keeper.client.close());
}
