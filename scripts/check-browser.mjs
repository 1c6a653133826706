// Plays a video in Chromium and fails unless frames were decoded and the end was reached: node scripts/check-browser.mjs FILE.mp4
// Without a file: the newest mp4 of out/, which is what the demo wrote.
import { spawn } from "node:child_process";
import { createReadStream, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const TIMEOUT_MS = 60_000;

/** Reports what the video element saw: by an error, or at the end. */
const PAGE = `<!doctype html><video src="/video.mp4" muted autoplay playsinline></video><script>
const video = document.querySelector("video");
const say = (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) });
video.onerror = () => say({ error: video.error.message || String(video.error.code) });
video.onended = () => say({ width: video.videoWidth, height: video.videoHeight, seconds: video.duration,
  frames: video.getVideoPlaybackQuality().totalVideoFrames });
video.playbackRate = 4;
</script>`;

function newestVideo() {
  const folder = join(root, "out");
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true }).filter((name) => String(name).endsWith(".mp4")) : [];
  const paths = files.map((name) => join(folder, String(name)));
  return paths.toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}

function findBrowser() {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
}

/** Serves the page and the video. @returns the server and a promise of what the page reports. */
function serve(video) {
  let report;
  const result = new Promise((resolve) => {
    report = resolve;
  });
  const server = createServer((request, response) => {
    if (request.url === "/result") {
      request.on("data", (body) => report(JSON.parse(body)));
      response.end();
    } else if (request.url === "/video.mp4") {
      response.writeHead(200, { "content-type": "video/mp4", "content-length": statSync(video).size });
      createReadStream(video).pipe(response);
    } else {
      response.writeHead(200, { "content-type": "text/html" }).end(PAGE);
    }
  });
  return { server, result };
}

/** Ends the browser with all its processes; it may have ended by itself. */
function stopGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

async function play(browser, video) {
  const profile = mkdtempSync(join(tmpdir(), "videoflow-browser-"));
  const { server, result } = serve(video);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const flags = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--mute-audio",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
  ];
  const child = spawn(browser, [...flags, `--user-data-dir=${profile}`, `http://127.0.0.1:${server.address().port}/`], {
    stdio: "ignore",
    detached: true, // A process group of its own: the browser is many processes.
  });
  const closed = new Promise((resolve) => child.on("close", resolve));
  const late = new Promise((resolve) => setTimeout(() => resolve({ error: `nothing after ${TIMEOUT_MS} ms` }), TIMEOUT_MS).unref());
  const gone = closed.then((code) => ({ error: `the browser ended with ${code}` }));
  try {
    return await Promise.race([result, late, gone]);
  } finally {
    stopGroup(child.pid);
    await closed;
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

const video = process.argv[2] ?? newestVideo();
const browser = findBrowser();
if (video === undefined || browser === undefined) {
  console.error(
    video === undefined ? "there is no mp4 in out/: run npm run demo first, or name a file" : `none of ${NAMES.join(", ")} is installed`,
  );
  process.exitCode = 2;
} else {
  const seen = await play(browser, video);
  console.log(`${video}: ${JSON.stringify(seen)}`);
  process.exitCode = seen.frames > 0 && seen.width > 0 ? 0 : 1;
}
