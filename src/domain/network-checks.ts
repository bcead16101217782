// The rules of a pool's network: NAT pools, their ports and security rules, and the subnet. Pure; no port is opened here.

import type { NetworkConfiguration } from "../api/batch/network.ts";
import { invalidProperty } from "../api/errors.ts";
import type { Infer } from "../api/fields.ts";
import { firstRepeated } from "./staging-checks.ts";

type Network = Infer<typeof NetworkConfiguration>;
type NatPool = NonNullable<Network["endpointConfiguration"]>["inboundNATPools"][number];

/** Ports that the node agent keeps for itself. */
const reservedBackendPorts: readonly number[] = [29876, 29877];
/** Public ports that the service keeps for itself. */
const reservedFrontend = { start: 50000, end: 55000 } as const;
const fewestFrontendPorts = 40;
const mostRules = 25;

const subnetPattern =
  /^\/subscriptions\/([^/]+)\/resourceGroups\/[^/]+\/providers\/(Microsoft\.Network|Microsoft\.ClassicNetwork)\/virtualNetworks\/[^/]+\/subnets\/[^/]+$/i;

/** `subscriptionId` is the account's; a subnet must be of the same. Undefined where the account has none. */
export const checkNetwork = (network: Network | undefined, subscriptionId: string | undefined): void => {
  if (network === undefined) return;
  checkSubnet(network.subnetId, subscriptionId);
  const provision = network.publicIPAddressConfiguration?.provision;
  const addresses = network.publicIPAddressConfiguration?.ipAddressIds ?? [];
  if (provision === "usermanaged" && addresses.length === 0) {
    throw invalidProperty("ipAddressIds", "Public IP addresses must be given when their provisioning is usermanaged.");
  }
  if (provision !== undefined && provision !== "usermanaged" && addresses.length > 0) {
    throw invalidProperty("ipAddressIds", "Public IP addresses can be given only when their provisioning is usermanaged.");
  }
  const natPools = network.endpointConfiguration?.inboundNATPools ?? [];
  if (natPools.length > 0 && provision === "nopublicipaddresses") {
    throw invalidProperty("inboundNATPools", "Endpoints cannot be configured for a pool without public IP addresses.");
  }
  checkNatPools(natPools);
};

/** Of a pool, or of a job. The format is that of the documentation; the wording of both reasons: unverified. */
export const checkSubnet = (subnetId: string | undefined, subscriptionId: string | undefined): void => {
  if (subnetId === undefined) return;
  const match = subnetPattern.exec(subnetId);
  if (match === null) {
    throw invalidProperty(
      "subnetId",
      "The specified subnet id must be of the format /subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Network/virtualNetworks/{virtualNetworkName}/subnets/{subnetName}",
      subnetId,
    );
  }
  if (subscriptionId !== undefined && match[1]!.toLowerCase() !== subscriptionId.toLowerCase()) {
    throw invalidProperty("subnetId", "The specified subnet must be in the same subscription as the Batch account.", subnetId);
  }
};

const checkNatPools = (natPools: readonly NatPool[]): void => {
  const repeated = firstRepeated(natPools.map(({ name }) => name));
  if (repeated !== undefined) throw invalidProperty("name", "The names of a pool's inbound NAT pools must be unique.", repeated);
  for (const natPool of natPools) checkPorts(natPool);
  const backendPort = firstRepeated(natPools.map((natPool) => String(natPool.backendPort)));
  if (backendPort !== undefined)
    throw invalidProperty("backendPort", "The backend ports of a pool's inbound NAT pools must be unique.", backendPort);
  const byStart = natPools.toSorted((a, b) => a.frontendPortRangeStart - b.frontendPortRangeStart);
  const overlapping = byStart.find(
    (natPool, index) => index > 0 && byStart[index - 1]!.frontendPortRangeEnd >= natPool.frontendPortRangeStart,
  );
  if (overlapping !== undefined) {
    throw invalidProperty(
      "frontendPortRangeStart",
      "The frontend port ranges of a pool's inbound NAT pools must not overlap.",
      String(overlapping.frontendPortRangeStart),
    );
  }
  const rules = natPools.flatMap((natPool) => natPool.networkSecurityGroupRules ?? []);
  if (rules.length > mostRules) {
    throw invalidProperty(
      "networkSecurityGroupRules",
      `A pool can have at most ${mostRules} network security group rules.`,
      String(rules.length),
    );
  }
  for (const rule of rules) checkSourcePorts(rule.sourcePortRanges ?? []);
  const priority = firstRepeated(rules.map((rule) => String(rule.priority)));
  if (priority !== undefined)
    throw invalidProperty("priority", "The priorities of a pool's network security group rules must be unique.", priority);
};

const checkPorts = ({ backendPort, frontendPortRangeStart: start, frontendPortRangeEnd: end }: NatPool): void => {
  if (reservedBackendPorts.includes(backendPort))
    throw invalidProperty("backendPort", "The specified port is reserved.", String(backendPort));
  if (end - start + 1 < fewestFrontendPorts) {
    throw invalidProperty(
      "frontendPortRangeEnd",
      `The range of frontend ports must have at least ${fewestFrontendPorts} ports.`,
      String(end),
    );
  }
  if (start <= reservedFrontend.end && end >= reservedFrontend.start) {
    throw invalidProperty("frontendPortRangeStart", "Frontend ports from 50000 to 55000 are reserved.", String(start));
  }
};

const lastPort = 65535;

/** Ports, ranges of them, or `*` for all; none of a rule's may overlap another. */
const checkSourcePorts = (ranges: readonly string[]): void => {
  const parsed = ranges.map((text) => {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text.trim());
    const start = match === null ? 0 : Number(match[1]);
    const end = match === null ? lastPort : Number(match[2] ?? match[1]);
    if ((match === null && text.trim() !== "*") || start > end || end > lastPort)
      throw invalidProperty("sourcePortRanges", "A source port range must be *, a port, or a range of ports such as 100-200.", text);
    return { text, start, end };
  });
  const byStart = parsed.toSorted((a, b) => a.start - b.start);
  const overlapping = byStart.find(({ start }, index) => index > 0 && byStart[index - 1]!.end >= start);
  if (overlapping !== undefined)
    throw invalidProperty("sourcePortRanges", "The source port ranges of a rule must not overlap.", overlapping.text);
};
