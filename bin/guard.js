// Refuses to run on a Node.js that cannot run the sources, and says what to do; otherwise runs the script it is given.
// Plain JavaScript of an old dialect on purpose: this is the one file that an old Node.js must be able to read.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

if (Number(process.versions.node.split(".")[0]) < 24) {
  console.error(
    "quern needs Node.js 24 or newer; this is " +
      process.version +
      " (" +
      process.execPath +
      ").\n" +
      "Inside the checkout `npm ci` installs the right one and npm scripts use it (without --ignore-scripts: the binary comes from an install script).",
  );
  process.exit(1);
}
const script = process.argv[2];
process.argv.splice(1, 2, resolve(script));
await import(pathToFileURL(resolve(script)).href);
