// A size of virtual machine with its capabilities, all in strings, as virtualMachineSkus shows it. What the table of sizes knows is shown as it is; of the
// rest what holds for nodes of this server. Sizes of disks (MaxResourceVolumeMB, OSVhdSizeMB, MaxDataDiskCount) are left out, as the service leaves
// some out of some sizes: a node has what the disk of its machine has.
import type { VmSize } from "../../../domain/vm-sizes.ts";

type Capability = { name: string; value: string };
export type Sku = { name: string; familyName: string; capabilities: Capability[] };

/** `standard_d2s_v3` as `Standard_D2s_v3`. */
const spelling = (name: string): string =>
  name
    .split("_")
    .map((part, index) =>
      index === 0 ? part.charAt(0).toUpperCase() + part.slice(1) : /^v\d/.test(part) ? part : part.replace(/^[a-z]+/, upper),
    )
    .join("_");
const upper = (text: string): string => text.toUpperCase();

export const skuOf = ({ name, cores, memoryGiB, family }: VmSize): Sku => ({
  name: spelling(name),
  familyName: family,
  capabilities: Object.entries({
    vCPUs: String(cores),
    vCPUsAvailable: String(cores),
    MemoryGB: String(memoryGiB),
    // Arm sizes have a p behind their number.
    CpuArchitectureType: /^standard_[a-z]+\d+p/.test(name) ? "Arm64" : "x64",
    HyperVGenerations: "V1,V2",
    LowPriorityCapable: "True",
    PremiumIO: /\d[a-z]*s(_|$)/.test(name) ? "True" : "False",
    EphemeralOSDiskSupported: "False",
    EncryptionAtHostSupported: "False",
    AcceleratedNetworkingEnabled: "False",
    RdmaEnabled: "False",
    MaxNetworkInterfaces: "1",
  }).map(([capability, value]) => ({ name: capability, value })),
});
