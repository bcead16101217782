// The regions of the public cloud, which is where clients believe to be: their names, the names for people, and which of them a text means. On this
// server they are labels; everything is on the same machines. Pure.
import { ApiError } from "../api/errors.ts";
import { locationKey } from "./resource-ids.ts";

export type Location = {
  /** As answers write it: lower case, no blanks. */
  name: string;
  displayName: string;
  /** The part of the world, as `az account list-locations` groups by it. */
  geographyGroup: string;
  /** In front of the display name where regions of several continents stand in one list. */
  shortGroup: string;
};

const groups: readonly [geographyGroup: string, shortGroup: string, displayNames: string][] = [
  [
    "US",
    "US",
    "East US, East US 2, Central US, South Central US, North Central US, West Central US, West US, West US 2, West US 3, " +
      "East US 2 EUAP, Central US EUAP",
  ],
  ["Canada", "Canada", "Canada Central, Canada East"],
  ["Mexico", "Mexico", "Mexico Central"],
  ["South America", "South America", "Brazil South, Brazil Southeast, Chile Central"],
  [
    "Europe",
    "Europe",
    "North Europe, West Europe, UK South, UK West, France Central, France South, Germany West Central, Germany North, Switzerland North, " +
      "Switzerland West, Norway East, Norway West, Sweden Central, Sweden South, Italy North, Poland Central, Spain Central, Austria East, " +
      "Belgium Central, Denmark East",
  ],
  ["Middle East", "Middle East", "UAE North, UAE Central, Qatar Central, Israel Central"],
  ["Africa", "Africa", "South Africa North, South Africa West"],
  [
    "Asia Pacific",
    "Asia Pacific",
    "East Asia, Southeast Asia, Japan East, Japan West, Korea Central, Korea South, Central India, South India, West India, Jio India West, " +
      "Jio India Central, Australia East, Australia Southeast, Australia Central, Australia Central 2, New Zealand North, Indonesia Central, " +
      "Malaysia West",
  ],
];

const toLocation = (displayName: string, geographyGroup: string, shortGroup: string): Location => ({
  name: locationKey(displayName),
  displayName,
  geographyGroup,
  shortGroup,
});

export const publicLocations: readonly Location[] = groups.flatMap(([group, short, names]) =>
  names.split(", ").map((name) => toLocation(name, group, short)),
);

const byName: ReadonlyMap<string, Location> = new Map(publicLocations.map((location) => [location.name, location]));

/** Those of the public cloud, and the server's own region where it is another. */
export const locationsWith = (own: string): readonly Location[] =>
  byName.has(locationKey(own)) ? publicLocations : [...publicLocations, toLocation(own, "Other", "Other")];

/** In any spelling: `West US 2`, `westus2`. `own` is the region that the server was started with, which may be none of the public cloud. */
export const knownLocation = (text: string, own?: string): Location | undefined =>
  byName.get(locationKey(text)) ??
  (own !== undefined && locationKey(own) === locationKey(text) ? toLocation(own, "Other", "Other") : undefined);

/** The location of a new resource, normalised. Throws LocationRequired and LocationNotAvailableForResourceType. */
export const checkLocation = (text: string | undefined, resourceType: string, own?: string): string => {
  if (text === undefined || text.trim() === "") throw new ApiError("LocationRequired");
  const known = knownLocation(text, own);
  if (known !== undefined) return known.name;
  const message =
    `The provided location '${text.slice(0, 90)}' is not available for resource type '${resourceType}'. ` +
    `List of available regions for the resource type is '${locationsWith(own ?? "eastus")
      .map(({ name }) => name)
      .join(",")}'.`;
  throw new ApiError("LocationNotAvailableForResourceType", [], message);
};

/** The same of a resource group, which ARM refuses in words of its own. */
export const checkGroupLocation = (text: string | undefined, own?: string): string => {
  if (text === undefined || text.trim() === "") throw new ApiError("LocationRequired");
  const known = knownLocation(text, own);
  if (known !== undefined) return known.name;
  const regions = locationsWith(own ?? "eastus").map(({ name }) => name);
  const message = `The provided location '${text.slice(0, 90)}' is not available for resource group. List of available regions is '${regions.join(",")}'.`;
  throw new ApiError("LocationNotAvailableForResourceGroup", [], message);
};

/** An existing resource stays where it is. Throws InvalidResourceLocation. */
export const checkSameLocation = (asked: string | undefined, { name, location, resourceGroup }: Placed): void => {
  if (asked === undefined || locationKey(asked) === locationKey(location)) return;
  const message =
    `The resource '${name}' already exists in location '${location}' in resource group '${resourceGroup}'. A resource with the same name cannot be ` +
    `created in location '${asked.slice(0, 90)}'. Please select a new resource name.`;
  throw new ApiError("InvalidResourceLocation", [], message);
};

type Placed = { name: string; location: string; resourceGroup: string };
