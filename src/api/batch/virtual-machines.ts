// What the nodes of a pool are made of: image, disks, extensions, security. Data only.
import { f, legacy, model, required } from "../fields.ts";
import { ComputeNodeIdentityReference } from "./common.ts";
import { ContainerConfiguration } from "./containers.ts";
import { recorded } from "./recorded.ts";

/** An image by its names, or by one of three ids. */
export const ImageReference = model(
  "ImageReference",
  {
    publisher: f.string({ requiredIn: { until: "2017-06-01.5.1" } }),
    offer: f.string({ requiredIn: { until: "2017-06-01.5.1" } }),
    sku: f.string({ requiredIn: { until: "2017-06-01.5.1" } }),
    version: f.string({ default: "latest", defaultWith: "publisher" }),
    virtualMachineImageId: f.string({
      since: "2017-09-01.6.0",
      recorded:
        "An image that was imported is found (others are not), but nodes cannot be started from it yet: the pool gets none and says so (ImageNotBootable, ImageNotAvailable).",
    }),
    exactVersion: f.string({ since: "2021-06-01.14.0", readOnly: true, recorded: recorded.neverSent }),
    sharedGalleryImageId: f.string({
      since: "2024-07-01.20.0",
      recorded: "There are no compute galleries here: the pool gets no nodes and says so (ImageNotAvailable).",
    }),
    communityGalleryImageId: f.string({
      since: "2024-07-01.20.0",
      recorded: "There are no compute galleries here: the pool gets no nodes and says so (ImageNotAvailable).",
    }),
  },
  {
    rules: [
      { rule: "exactlyOne", of: ["publisher", "virtualMachineImageId", "sharedGalleryImageId", "communityGalleryImageId"] },
      { rule: "needs", property: "publisher", others: ["offer", "sku"] },
      { rule: "excludes", property: "virtualMachineImageId", others: ["offer", "sku"] },
      { rule: "excludes", property: "sharedGalleryImageId", others: ["offer", "sku"] },
      { rule: "excludes", property: "communityGalleryImageId", others: ["offer", "sku"] },
    ],
  },
);

export const WindowsConfiguration = model("WindowsConfiguration", {
  enableAutomaticUpdates: f.boolean(),
});

export const storageAccountType = ["standard_lrs", "premium_lrs", "standardssd_lrs"] as const;
const storageAccountTypes = { lives: { standardssd_lrs: { since: "2023-11-01.18.0" } } } as const;

export const DiskEncryptionSetParameters = model("DiskEncryptionSetParameters", {
  id: f.string(),
});

export const VMDiskSecurityProfile = model("VMDiskSecurityProfile", {
  securityEncryptionType: f.enum(["NonPersistedTPM", "VMGuestStateOnly"]),
});

export const ManagedDisk = model("ManagedDisk", {
  storageAccountType: f.enum(storageAccountType),
  securityProfile: f.object(VMDiskSecurityProfile, { since: "2024-07-01.20.0" }),
  diskEncryptionSet: f.object(DiskEncryptionSetParameters, { since: "2025-06-01" }),
});

/** The documents from 2018-08 on say that caching is readwrite by default; the service was seen to fill in none, and that wins. */
export const DataDisk = model("DataDisk", {
  lun: required(f.int32({ min: 0, max: 63 })),
  caching: f.enum(["none", "readonly", "readwrite"], { default: "none" }),
  diskSizeGB: required(f.int32({ min: 1 })),
  storageAccountType: f.enum(storageAccountType, { default: "standard_lrs", ...storageAccountTypes }),
  managedDisk: f.object(ManagedDisk, { since: "2025-06-01" }),
});

export const DiffDiskSettings = model("DiffDiskSettings", {
  placement: f.enum(["CacheDisk"]),
});

/** Known in 2017 and 2018 with other properties, gone, and back with these (its caching is answered capitalised: seen in 2024). */
export const OSDisk = model("OSDisk", {
  ephemeralOSDiskSettings: f.object(DiffDiskSettings, { since: "2021-06-01.14.0", default: {} }),
  caching: f.enum(["None", "ReadOnly", "ReadWrite"], { absent: { since: "2018-12-01.8.0", until: "2023-05-01.17.0" } }),
  managedDisk: f.object(ManagedDisk, { since: "2023-11-01.18.0" }),
  diskSizeGB: f.int32({ since: "2023-11-01.18.0", min: 1 }),
  writeAcceleratorEnabled: f.boolean({ since: "2023-11-01.18.0" }),
  imageUris: legacy(f.array(f.string(), { until: "2017-06-01.5.1" })),
});

export const DiskCustomerManagedKey = model("DiskCustomerManagedKey", {
  keyUrl: f.string(),
  rotationToLatestKeyVersionEnabled: f.boolean(),
  identityReference: f.object(ComputeNodeIdentityReference),
});

export const DiskEncryptionConfiguration = model("DiskEncryptionConfiguration", {
  targets: f.array(f.enum(["osdisk", "temporarydisk"])),
  customerManagedKey: f.object(DiskCustomerManagedKey, { since: "2025-06-01" }),
});

export const NodePlacementConfiguration = model("NodePlacementConfiguration", {
  policy: f.enum(["regional", "zonal"]),
});

export const VMExtension = model("VMExtension", {
  name: required(f.string({ minLength: 1 })),
  publisher: required(f.string({ minLength: 1 })),
  type: required(f.string({ minLength: 1 })),
  typeHandlerVersion: f.string(),
  autoUpgradeMinorVersion: f.boolean(),
  enableAutomaticUpgrade: f.boolean({ since: "2023-05-01.17.0" }),
  settings: f.any(),
  protectedSettings: f.any({ secret: true }),
  provisionAfterExtensions: f.array(f.string()),
});

export const UefiSettings = model("UefiSettings", {
  secureBootEnabled: f.boolean(),
  vTpmEnabled: f.boolean(),
});

export const HostEndpointSettings = model("HostEndpointSettings", {
  inVMAccessControlProfileReferenceId: f.string(),
  mode: f.enum(["Audit", "Enforce"]),
});

export const ProxyAgentSettings = model("ProxyAgentSettings", {
  enabled: f.boolean(),
  imds: f.object(HostEndpointSettings),
  wireServer: f.object(HostEndpointSettings),
});

/** `securityType` is documented in camel case and answered in lower case (reference/real-behaviours.md section 3). */
export const SecurityProfile = model("SecurityProfile", {
  securityType: f.enum(["trustedlaunch", "confidentialvm"], { lives: { confidentialvm: { since: "2024-07-01.20.0" } } }),
  encryptionAtHost: f.boolean(),
  uefiSettings: f.object(UefiSettings),
  proxyAgentSettings: f.object(ProxyAgentSettings, { since: "2025-06-01" }),
});

export const ServiceArtifactReference = model("ServiceArtifactReference", {
  id: required(f.string()),
});

export const VirtualMachineConfiguration = model("VirtualMachineConfiguration", {
  imageReference: required(f.object(ImageReference)),
  nodeAgentSKUId: required(f.string({ minLength: 1 })),
  windowsConfiguration: f.object(WindowsConfiguration, { recorded: "Windows nodes cannot be had." }),
  dataDisks: f.array(f.object(DataDisk), { since: "2017-09-01.6.0", recorded: recorded.azureDisks }),
  licenseType: f.string({ since: "2017-09-01.6.0", recorded: recorded.azureOnly }),
  containerConfiguration: f.object(ContainerConfiguration, { since: "2017-09-01.6.0", recorded: recorded.containers }),
  diskEncryptionConfiguration: f.object(DiskEncryptionConfiguration, { since: "2020-03-01.11.0", recorded: recorded.azureDisks }),
  nodePlacementConfiguration: f.object(NodePlacementConfiguration, {
    since: "2021-06-01.14.0",
    recorded: "Your machines are where they are.",
  }),
  extensions: f.array(f.object(VMExtension), {
    since: "2021-06-01.14.0",
    recorded: "Listed on the nodes, never run: they are programs for Azure's own virtual machines.",
  }),
  osDisk: f.object(OSDisk, {
    since: "2017-01-01.4.0",
    absent: { since: "2018-12-01.8.0", until: "2020-09-01.12.0" },
    recorded: recorded.azureDisks,
  }),
  securityProfile: f.object(SecurityProfile, { since: "2023-11-01.18.0", recorded: recorded.azureSecurity }),
  serviceArtifactReference: f.object(ServiceArtifactReference, { since: "2023-11-01.18.0", recorded: recorded.azureUpgrades }),
});

export const VirtualMachineInfo = model("VirtualMachineInfo", {
  imageReference: f.object(ImageReference),
  scaleSetVmResourceId: f.string({ since: "2023-11-01.18.0", recorded: recorded.neverSent }),
});

/** Cloud Services nodes, which no version after 2024-02 has: recorded, so that old clients get their pool back as they sent it. */
export const CloudServiceConfiguration = model(
  "CloudServiceConfiguration",
  {
    osFamily: required(f.string({ minLength: 1 })),
    osVersion: f.string({ renamed: [{ until: "2018-08-01.7.0", as: "targetOSVersion" }], default: "*" }),
    currentOSVersion: legacy(f.string({ until: "2018-08-01.7.0", readOnly: true })),
  },
  {
    conversions: [
      {
        until: "2018-08-01.7.0",
        down: (value) => {
          value.currentOSVersion = value.osVersion;
        },
      },
    ],
  },
);
