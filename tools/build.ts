// Makes dist/ for the published package: tsc emits JavaScript from src, and the SQL files of the store go along.
// Inside the checkout nothing is built: Node.js runs the TypeScript as it is.
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
rmSync(join(root, "dist"), { recursive: true, force: true });
const result = spawnSync(join(root, "node_modules/.bin/tsc"), ["--project", join(root, "tsconfig.build.json")], { stdio: "inherit" });
if (result.status !== 0) process.exit(result.status ?? 1);
for (const file of globSync("src/**/*.sql", { cwd: root })) {
  const target = join(root, file.replace(/^src/, "dist"));
  mkdirSync(dirname(target), { recursive: true });
  cpSync(join(root, file), target);
}
