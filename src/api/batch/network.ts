// Networks of pools, jobs and nodes. Data only; nothing here opens a port.
import { f, legacy, model, required } from "../fields.ts";

export const IPTag = model("IPTag", {
  ipTagType: f.string(),
  tag: f.string(),
});

export const PublicIPAddressConfiguration = model("PublicIPAddressConfiguration", {
  provision: f.enum(["batchmanaged", "usermanaged", "nopublicipaddresses"]),
  ipAddressIds: f.array(f.string()),
  ipFamilies: f.array(f.enum(["IPv4", "IPv6"]), { since: "2025-06-01" }),
  ipTags: f.array(f.object(IPTag), { since: "2025-06-01" }),
});

const protocol = ["tcp", "udp"] as const;

export const NetworkSecurityGroupRule = model("NetworkSecurityGroupRule", {
  priority: required(f.int32({ min: 150, max: 4096 })),
  access: required(f.enum(["allow", "deny"])),
  sourceAddressPrefix: required(f.string({ minLength: 1 })),
  sourcePortRanges: f.array(f.string(), { since: "2019-06-01.9.0" }),
});

export const InboundNATPool = model("InboundNATPool", {
  name: required(
    f.string({
      minLength: 1,
      maxLength: 77,
      pattern: /^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$/,
      what: "a name of 1 to 77 letters, digits, underscores, periods and hyphens that starts with a letter or digit and does not end with a period or hyphen",
    }),
  ),
  protocol: required(f.enum(protocol)),
  backendPort: required(f.int32({ min: 1, max: 65535 })),
  frontendPortRangeStart: required(f.int32({ min: 1, max: 65534 })),
  frontendPortRangeEnd: required(f.int32({ min: 1, max: 65534 })),
  networkSecurityGroupRules: f.array(f.object(NetworkSecurityGroupRule), { maxItems: 25 }),
});

export const PoolEndpointConfiguration = model("PoolEndpointConfiguration", {
  inboundNATPools: required(f.array(f.object(InboundNATPool), { maxItems: 5 })),
});

export const NetworkConfiguration = model(
  "NetworkConfiguration",
  {
    subnetId: f.string({ minLength: 1 }),
    dynamicVNetAssignmentScope: f.enum(["none", "job"], { since: "2018-12-01.8.0", default: "none" }),
    endpointConfiguration: f.object(PoolEndpointConfiguration, { since: "2017-06-01.5.1" }),
    publicIPAddressConfiguration: f.object(PublicIPAddressConfiguration, { since: "2020-03-01.11.0" }),
    enableAcceleratedNetworking: f.boolean({ since: "2023-05-01.17.0", default: false }),
    publicIPs: legacy(f.array(f.string(), { since: "2019-08-01.10.0", until: "2019-08-01.10.0" })),
  },
  {
    conversions: [
      {
        until: "2019-08-01.10.0",
        up: (value) => {
          if (value.publicIPs !== undefined)
            value.publicIPAddressConfiguration = { provision: "usermanaged", ipAddressIds: value.publicIPs };
          delete value.publicIPs;
        },
        down: (value) => {
          value.publicIPs = (value.publicIPAddressConfiguration as { ipAddressIds?: unknown } | undefined)?.ipAddressIds;
        },
      },
    ],
  },
);

export const JobNetworkConfiguration = model("JobNetworkConfiguration", {
  subnetId: required(f.string({ minLength: 1 })),
  skipWithdrawFromVNet: f.boolean({ since: "2024-07-01.20.0" }),
});

export const InboundEndpoint = model("InboundEndpoint", {
  name: required(f.string()),
  protocol: required(f.enum(protocol)),
  publicIPAddress: required(f.string()),
  publicFQDN: required(f.string()),
  frontendPort: required(f.int32()),
  backendPort: required(f.int32()),
});

export const ComputeNodeEndpointConfiguration = model("ComputeNodeEndpointConfiguration", {
  inboundEndpoints: required(f.array(f.object(InboundEndpoint))),
});
