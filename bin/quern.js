#!/usr/bin/env node
// The `quern` command. Plain JavaScript of an old dialect, so that a Node.js that is too old gets a sentence instead of a syntax error.
import { existsSync } from "node:fs";
// As a whole: an old Node.js refuses the file over a name that it does not have, before it could say the sentence below.
import nodeModule from "node:module";

if (Number(process.versions.node.split(".")[0]) < 24) {
  console.error(
    "quern needs Node.js 24 or newer; this is " +
      process.version +
      " (" +
      process.execPath +
      ").\n" +
      "Inside the checkout `npm ci` installs the right one (without --ignore-scripts), and `npx quern` uses it.",
  );
  process.exit(1);
}
nodeModule.enableCompileCache();
// A packed installation holds compiled files, because Node.js does not strip types below node_modules.
const compiled = new URL("../dist/main.js", import.meta.url);
const source = new URL("../src/main.ts", import.meta.url);
const { main } = await import(existsSync(source) ? source.href : compiled.href);
await main(process.argv);
