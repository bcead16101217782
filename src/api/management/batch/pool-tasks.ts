// What runs on the nodes of a pool and as whom, as ARM Microsoft.Batch says it: start task, its files and containers, user accounts, file systems.
// Data only; limits are the data plane's.
import { recorded } from "../../batch/recorded.ts";
import { f, model, required } from "../../fields.ts";

export const ComputeNodeIdentityReference = model("ComputeNodeIdentityReference", { resourceId: f.string() });
const identityReference = f.object(ComputeNodeIdentityReference, { since: "2021-06-01", recorded: recorded.identities });

export const ContainerRegistry = model("ContainerRegistry", {
  username: f.string({ requiredIn: { until: "2020-09-01" } }),
  password: f.string({ requiredIn: { until: "2020-09-01" }, secret: true }),
  registryServer: f.string(),
  identityReference: f.object(ComputeNodeIdentityReference, { since: "2021-06-01" }),
});

export const ContainerConfiguration = model("ContainerConfiguration", {
  type: required(f.enum(["DockerCompatible", "CriCompatible"], { lives: { CriCompatible: { since: "2023-05-01" } } })),
  containerImageNames: f.array(f.string()),
  containerRegistries: f.array(f.object(ContainerRegistry)),
});

export const ContainerHostBatchBindMountEntry = model("ContainerHostBatchBindMountEntry", {
  source: f.enum(["Shared", "Startup", "VfsMounts", "Task", "JobPrep", "Applications"]),
  isReadOnly: f.boolean(),
});

export const TaskContainerSettings = model("TaskContainerSettings", {
  containerRunOptions: f.string(),
  imageName: required(f.string()),
  registry: f.object(ContainerRegistry),
  workingDirectory: f.enum(["TaskWorkingDirectory", "ContainerImageDefault"], { since: "2019-08-01" }),
  containerHostBatchBindMounts: f.array(f.object(ContainerHostBatchBindMountEntry), { since: "2024-07-01" }),
});

export const ResourceFile = model("ResourceFile", {
  autoStorageContainerName: f.string({ since: "2018-12-01" }),
  storageContainerUrl: f.string({ since: "2018-12-01" }),
  httpUrl: f.string({ renamed: [{ until: "2017-09-01", as: "blobSource" }], requiredIn: { until: "2017-09-01" } }),
  blobPrefix: f.string({ since: "2018-12-01" }),
  filePath: f.string({ requiredIn: { until: "2017-09-01" } }),
  fileMode: f.string(),
  identityReference,
});

export const EnvironmentSetting = model("EnvironmentSetting", { name: required(f.string()), value: f.string() });

const elevationLevel = f.enum(["NonAdmin", "Admin"]);

export const AutoUserSpecification = model("AutoUserSpecification", {
  scope: f.enum(["Task", "Pool"], {
    defaults: [
      { since: "2015-12-01", value: "Task" },
      { since: "2019-08-01", value: "Pool" },
    ],
  }),
  elevationLevel,
});

export const UserIdentity = model("UserIdentity", { userName: f.string(), autoUser: f.object(AutoUserSpecification) });

/** Everything is optional, because an empty one in a PATCH removes what the pool has. */
export const StartTask = model("StartTask", {
  commandLine: f.string(),
  resourceFiles: f.array(f.object(ResourceFile)),
  environmentSettings: f.array(f.object(EnvironmentSetting)),
  userIdentity: f.object(UserIdentity, { recorded: recorded.users }),
  maxTaskRetryCount: f.int32(),
  waitForSuccess: f.boolean({
    defaults: [
      { since: "2015-12-01", value: false },
      { since: "2019-08-01", value: true },
    ],
  }),
  containerSettings: f.object(TaskContainerSettings, { since: "2018-12-01", recorded: recorded.containers }),
});

export const LinuxUserConfiguration = model("LinuxUserConfiguration", {
  uid: f.int32(),
  gid: f.int32(),
  sshPrivateKey: f.string({ secret: true }),
});

export const WindowsUserConfiguration = model("WindowsUserConfiguration", { loginMode: f.enum(["Batch", "Interactive"]) });

export const UserAccount = model("UserAccount", {
  name: required(f.string()),
  password: required(f.string({ secret: true })),
  elevationLevel,
  linuxUserConfiguration: f.object(LinuxUserConfiguration),
  windowsUserConfiguration: f.object(WindowsUserConfiguration, { since: "2018-12-01" }),
});

const relativeMountPath = required(f.string());

export const AzureBlobFileSystemConfiguration = model("AzureBlobFileSystemConfiguration", {
  accountName: required(f.string()),
  containerName: required(f.string()),
  accountKey: f.string({ secret: true }),
  sasKey: f.string({ secret: true }),
  blobfuseOptions: f.string(),
  relativeMountPath,
  identityReference: f.object(ComputeNodeIdentityReference, { since: "2021-06-01" }),
});

export const NFSMountConfiguration = model("NFSMountConfiguration", {
  source: required(f.string()),
  relativeMountPath,
  mountOptions: f.string(),
});

export const CIFSMountConfiguration = model("CIFSMountConfiguration", {
  userName: required(f.string({ renamed: [{ until: "2022-06-01", as: "username" }] })),
  source: required(f.string()),
  relativeMountPath,
  mountOptions: f.string(),
  password: required(f.string({ secret: true })),
});

export const AzureFileShareConfiguration = model("AzureFileShareConfiguration", {
  accountName: required(f.string()),
  azureFileUrl: required(f.string()),
  accountKey: required(f.string({ secret: true })),
  relativeMountPath,
  mountOptions: f.string(),
});

export const MountConfiguration = model("MountConfiguration", {
  azureBlobFileSystemConfiguration: f.object(AzureBlobFileSystemConfiguration),
  nfsMountConfiguration: f.object(NFSMountConfiguration),
  cifsMountConfiguration: f.object(CIFSMountConfiguration),
  azureFileShareConfiguration: f.object(AzureFileShareConfiguration),
});
