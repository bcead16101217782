// The ETag of a child resource as its body shows it: weak and quoted, as the header. Accounts have strong ones, in the header alone.
import { etagOf, type Stamp } from "../../lib/clock.ts";

export const weakEtag = (modified: Stamp): string => `W/"${etagOf(modified)}"`;
