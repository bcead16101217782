// What the examples of gallery images, marketplace images and storage containers need.
import type { Ways } from "./world.ts";

export const imageWays: Ways = {};
