// What the nodes of a pool are made of, as ARM Microsoft.Batch says it: image, disks, extensions, security. Data only. Limits of values are those
// of the data plane, whose model a pool of ARM is brought to (operations/management/batch/pool-parameters.ts).
import { recorded } from "../../batch/recorded.ts";
import { ImageReference as BatchImageReference } from "../../batch/virtual-machines.ts";
import { f, legacy, model, required } from "../../fields.ts";
import { ComputeNodeIdentityReference, ContainerConfiguration } from "./pool-tasks.ts";

/** What is done with it the data plane's declaration says. */
const asBatch = (name: keyof typeof BatchImageReference.fields): { recorded?: string } => {
  const { recorded } = BatchImageReference.fields[name].options;
  return recorded === undefined ? {} : { recorded };
};

export const ImageReference = model("ImageReference", {
  publisher: f.string(),
  offer: f.string(),
  sku: f.string(),
  version: f.string(),
  id: f.string(asBatch("virtualMachineImageId")),
  sharedGalleryImageId: f.string({ since: "2024-07-01", ...asBatch("sharedGalleryImageId") }),
  communityGalleryImageId: f.string({ since: "2024-07-01", ...asBatch("communityGalleryImageId") }),
});

export const WindowsConfiguration = model("WindowsConfiguration", { enableAutomaticUpdates: f.boolean() });

const cachingType = ["None", "ReadOnly", "ReadWrite"] as const;
const storageAccountType = f.enum(["Standard_LRS", "Premium_LRS", "StandardSSD_LRS"], {
  lives: { StandardSSD_LRS: { since: "2023-11-01" } },
});

const DiskEncryptionSetParameters = model("DiskEncryptionSetParameters", { id: f.string() });

export const VMDiskSecurityProfile = model("VMDiskSecurityProfile", {
  securityEncryptionType: f.enum(["NonPersistedTPM", "VMGuestStateOnly"]),
});

export const ManagedDisk = model("ManagedDisk", {
  storageAccountType,
  securityProfile: f.object(VMDiskSecurityProfile, { since: "2024-07-01" }),
  diskEncryptionSet: f.object(DiskEncryptionSetParameters, { since: "2025-06-01" }),
});

export const DataDisk = model("DataDisk", {
  lun: required(f.int32()),
  caching: f.enum(cachingType),
  diskSizeGB: required(f.int32()),
  storageAccountType,
  managedDisk: f.object(ManagedDisk, { since: "2025-06-01" }),
});

export const DiffDiskSettings = model("DiffDiskSettings", { placement: f.enum(["CacheDisk"]) });

/** In 2017 with its caching only, then gone, and back with more and more. */
export const OSDisk = model("OSDisk", {
  ephemeralOSDiskSettings: f.object(DiffDiskSettings, { since: "2021-06-01" }),
  caching: f.enum(cachingType, { absent: { since: "2018-12-01", until: "2023-05-01" } }),
  managedDisk: f.object(ManagedDisk, { since: "2023-11-01" }),
  diskSizeGB: f.int32({ since: "2023-11-01" }),
  writeAcceleratorEnabled: f.boolean({ since: "2023-11-01" }),
});

const DiskCustomerManagedKey = model("DiskCustomerManagedKey", {
  keyUrl: f.string(),
  rotationToLatestKeyVersionEnabled: f.boolean(),
  identityReference: f.object(ComputeNodeIdentityReference),
});

export const DiskEncryptionConfiguration = model("DiskEncryptionConfiguration", {
  targets: f.array(f.enum(["OsDisk", "TemporaryDisk"])),
  customerManagedKey: f.object(DiskCustomerManagedKey, { since: "2025-06-01" }),
});

export const NodePlacementConfiguration = model("NodePlacementConfiguration", { policy: f.enum(["Regional", "Zonal"]) });

export const VMExtension = model("VMExtension", {
  name: required(f.string()),
  publisher: required(f.string()),
  type: required(f.string()),
  typeHandlerVersion: f.string(),
  autoUpgradeMinorVersion: f.boolean(),
  enableAutomaticUpgrade: f.boolean({ since: "2023-05-01" }),
  settings: f.any(),
  protectedSettings: f.any({ secret: true }),
  provisionAfterExtensions: f.array(f.string()),
});

export const UefiSettings = model("UefiSettings", { secureBootEnabled: f.boolean(), vTpmEnabled: f.boolean() });

const HostEndpointSettings = model("HostEndpointSettings", {
  inVMAccessControlProfileReferenceId: f.string(),
  mode: f.enum(["Audit", "Enforce"]),
});

const ProxyAgentSettings = model("ProxyAgentSettings", {
  enabled: f.boolean(),
  imds: f.object(HostEndpointSettings),
  wireServer: f.object(HostEndpointSettings),
});

/** These two values begin in lower case, unlike any other of this plane. */
export const SecurityProfile = model("SecurityProfile", {
  securityType: f.enum(["trustedLaunch", "confidentialVM"], { lives: { confidentialVM: { since: "2024-07-01" } } }),
  encryptionAtHost: f.boolean(),
  uefiSettings: f.object(UefiSettings),
  proxyAgentSettings: f.object(ProxyAgentSettings, { since: "2025-06-01" }),
});

export const ServiceArtifactReference = model("ServiceArtifactReference", { id: required(f.string()) });

export const VirtualMachineConfiguration = model("VirtualMachineConfiguration", {
  imageReference: required(f.object(ImageReference)),
  nodeAgentSkuId: required(f.string()),
  windowsConfiguration: f.object(WindowsConfiguration, { recorded: "Windows nodes cannot be had." }),
  dataDisks: f.array(f.object(DataDisk), { recorded: recorded.azureDisks }),
  licenseType: f.string({ recorded: recorded.azureOnly }),
  containerConfiguration: f.object(ContainerConfiguration, { since: "2018-12-01", recorded: recorded.containers }),
  diskEncryptionConfiguration: f.object(DiskEncryptionConfiguration, { since: "2020-03-01", recorded: recorded.azureDisks }),
  nodePlacementConfiguration: f.object(NodePlacementConfiguration, { since: "2021-01-01", recorded: "Your machines are where they are." }),
  extensions: f.array(f.object(VMExtension), {
    since: "2021-01-01",
    recorded: "Listed on the nodes, never run: they are programs for Azure's own virtual machines.",
  }),
  osDisk: f.object(OSDisk, { absent: { since: "2018-12-01", until: "2021-01-01" }, recorded: recorded.azureDisks }),
  securityProfile: f.object(SecurityProfile, { since: "2023-11-01", recorded: recorded.azureSecurity }),
  serviceArtifactReference: f.object(ServiceArtifactReference, { since: "2023-11-01", recorded: recorded.azureUpgrades }),
});

export const CloudServiceConfiguration = model(
  "CloudServiceConfiguration",
  {
    osFamily: required(f.string()),
    osVersion: f.string({ renamed: [{ until: "2017-09-01", as: "targetOSVersion" }] }),
    currentOSVersion: legacy(f.string({ until: "2017-09-01", readOnly: true })),
  },
  {
    conversions: [
      {
        until: "2017-09-01",
        down: (value) => {
          value.currentOSVersion = value.osVersion;
        },
      },
    ],
  },
);

export const DeploymentConfiguration = model("DeploymentConfiguration", {
  virtualMachineConfiguration: f.object(VirtualMachineConfiguration),
  cloudServiceConfiguration: f.object(CloudServiceConfiguration, { until: "2024-02-01", recorded: recorded.cloudServices }),
});
