// The network of a pool as ARM Microsoft.Batch says it. Data only; limits are the data plane's, and nothing here opens a port.
import { f, legacy, model, required } from "../../fields.ts";

const IPTag = model("IPTag", { ipTagType: f.string(), tag: f.string() });

export const PublicIPAddressConfiguration = model("PublicIPAddressConfiguration", {
  provision: f.enum(["BatchManaged", "UserManaged", "NoPublicIPAddresses"]),
  ipAddressIds: f.array(f.string()),
  ipFamilies: f.array(f.enum(["IPv4", "IPv6"]), { since: "2025-06-01" }),
  ipTags: f.array(f.object(IPTag), { since: "2025-06-01" }),
});

export const NetworkSecurityGroupRule = model("NetworkSecurityGroupRule", {
  priority: required(f.int32()),
  access: required(f.enum(["Allow", "Deny"])),
  sourceAddressPrefix: required(f.string()),
  sourcePortRanges: f.array(f.string(), { since: "2019-08-01" }),
});

export const InboundNatPool = model("InboundNatPool", {
  name: required(f.string()),
  protocol: required(f.enum(["TCP", "UDP"])),
  backendPort: required(f.int32()),
  frontendPortRangeStart: required(f.int32()),
  frontendPortRangeEnd: required(f.int32()),
  networkSecurityGroupRules: f.array(f.object(NetworkSecurityGroupRule)),
});

export const PoolEndpointConfiguration = model("PoolEndpointConfiguration", {
  inboundNatPools: required(f.array(f.object(InboundNatPool))),
});

export const NetworkConfiguration = model(
  "NetworkConfiguration",
  {
    subnetId: f.string(),
    dynamicVnetAssignmentScope: f.enum(["none", "job"], {
      since: "2022-01-01",
      renamed: [{ until: "2022-06-01", as: "dynamicVNetAssignmentScope" }],
    }),
    endpointConfiguration: f.object(PoolEndpointConfiguration),
    publicIPAddressConfiguration: f.object(PublicIPAddressConfiguration, { since: "2020-03-01" }),
    enableAcceleratedNetworking: f.boolean({ since: "2023-05-01" }),
    publicIPs: legacy(f.array(f.string(), { since: "2019-08-01", until: "2019-08-01" })),
  },
  {
    conversions: [
      {
        until: "2019-08-01",
        up: (value) => {
          if (value.publicIPs !== undefined)
            value.publicIPAddressConfiguration = { provision: "UserManaged", ipAddressIds: value.publicIPs };
          delete value.publicIPs;
        },
        down: (value) => {
          value.publicIPs = (value.publicIPAddressConfiguration as { ipAddressIds?: unknown } | undefined)?.ipAddressIds;
        },
      },
    ],
  },
);
