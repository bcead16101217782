// What the examples of applications and their packages need.
import type { Ways } from "./world.ts";

export const applicationWays: Ways = {};
