/** A daemon for each test of a file. Apart from daemon.ts, which programs outside of jest use too. */
import { afterEach, beforeEach } from "@jest/globals";
import { type DaemonPlace, daemonPlace } from "./daemon.js";
import { type Workplace, workplace } from "./flow-process.js";

/**
 * Each test gets a workplace and a state folder of its own; nothing of them is left afterwards.
 *
 * @param use called before each test.
 * @param afterwards called when agent and keeper are dead and the files are still there.
 */
export function eachWithDaemon(
  use: (fresh: { readonly place: Workplace; readonly daemon: DaemonPlace }) => void,
  afterwards: () => void = () => {},
): void {
  let place: Workplace;
  let daemon: DaemonPlace;
  beforeEach(() => {
    place = workplace();
    daemon = daemonPlace(place);
    use({ place, daemon });
  });
  afterEach(async () => {
    await daemon.destroy();
    afterwards();
    await place.remove();
  });
}
