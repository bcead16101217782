// What imports images on this server: the engine of src/images with the machine's programs, the operator's permissions and the rule for URLs.
// Part of the composition root.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Location } from "../cli/location.ts";
import type { StartOptions } from "../cli/options.ts";
import type { LiveImageCatalogue } from "../domain/images.ts";
import { ImportFailed } from "../images/failures.ts";
import { importImage, removeImage } from "../images/import.ts";
import { MarketplaceFileInvalid, marketplace } from "../images/marketplace.ts";
import { findImageTools } from "../images/tools.ts";
import type { UrlPolicy } from "../lib/addresses.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { createImageWork, type ImageEngine, type ImageWork } from "../scheduler/image-work.ts";
import type { Store } from "../store/db.ts";

export type ImageImportParts = {
  readonly location: Pick<Location, "directory" | "tls">;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly images: LiveImageCatalogue;
  /** The one of tasks' URLs; what it says may change until the first import. */
  readonly urls: UrlPolicy;
  /** Where the operator's programs are. */
  readonly path: string;
};

export const imageImports = (options: StartOptions, { location, path, urls, ...parts }: ImageImportParts): ImageWork => {
  const { clock } = parts;
  const log = parts.log.child({ part: "images" });
  const tools = findImageTools(path);
  const allowedPaths = options.imagePaths;
  const catalogue = marketplace(options.marketplace);
  const engine: ImageEngine = {
    import: async (request, progress, signal) => {
      // Of a location with a certificate of the operator's there is none.
      const ca = await readFile(join(location.tls, "ca.pem"), "utf8").catch(() => undefined);
      const services = { clock, log, allowedPaths, urls, tools, progress, ...(ca !== undefined && { ca }) };
      return importImage(request, services, signal);
    },
    inMarketplace: async ({ publisher, offer, sku }, version) => {
      const found = await catalogue.find(publisher, offer, sku, version).catch((error: unknown) => {
        if (!(error instanceof MarketplaceFileInvalid)) throw error;
        log.warn({ err: error }, "the marketplace file cannot be used");
        throw new ImportFailed("MarketplaceNotUsable", "The marketplace file of this server cannot be used; the server's log says why.");
      });
      if (found === undefined)
        throw new ImportFailed(
          "ImageSourceNotFound",
          `The marketplace of this server has no image ${publisher}:${offer}:${sku}:${version}.`,
        );
      return { source: found.source, osType: found.osType, ...(found.sha256 !== undefined && { expectedSha256: found.sha256 }) };
    },
    remove: (directory) => removeImage(directory, { tools }),
  };
  const directory = join(location.directory, "images");
  return createImageWork({ ...parts, log, engine, subscriptionId: options.subscription, directory, allowedPaths });
};
