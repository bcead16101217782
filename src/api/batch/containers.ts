// Containers: registries, what a pool prepares for them, how a task asks for one, what became of it. Data only.
import { f, model, required } from "../fields.ts";
import { ComputeNodeIdentityReference } from "./common.ts";

export const ContainerRegistry = model("ContainerRegistry", {
  username: f.string({ requiredIn: { until: "2020-09-01.12.0" } }),
  password: f.string({ requiredIn: { until: "2020-09-01.12.0" }, secret: true }),
  registryServer: f.string(),
  identityReference: f.object(ComputeNodeIdentityReference, { since: "2021-06-01.14.0" }),
});

export const containerHostDataPath = ["Shared", "Startup", "VfsMounts", "Task", "JobPrep", "Applications"] as const;

export const ContainerHostBatchBindMountEntry = model("ContainerHostBatchBindMountEntry", {
  source: f.enum(containerHostDataPath),
  isReadOnly: f.boolean(),
});

export const TaskContainerSettings = model("TaskContainerSettings", {
  containerRunOptions: f.string(),
  imageName: required(f.string({ minLength: 1 })),
  registry: f.object(ContainerRegistry),
  workingDirectory: f.enum(["taskWorkingDirectory", "containerImageDefault"], { since: "2019-06-01.9.0" }),
  containerHostBatchBindMounts: f.array(f.object(ContainerHostBatchBindMountEntry), { since: "2024-07-01.20.0" }),
});

export const ContainerConfiguration = model(
  "ContainerConfiguration",
  {
    type: required(
      f.enum(["dockerCompatible", "criCompatible", "docker"], {
        lives: {
          dockerCompatible: { since: "2018-08-01.7.0" },
          criCompatible: { since: "2023-05-01.17.0" },
          docker: { until: "2018-03-01.6.1" },
        },
      }),
    ),
    containerImageNames: f.array(f.string()),
    containerRegistries: f.array(f.object(ContainerRegistry)),
  },
  {
    conversions: [
      {
        until: "2018-03-01.6.1",
        up: (value) => {
          if (value.type === "docker") value.type = "dockerCompatible";
        },
        down: (value) => {
          value.type = "docker";
        },
      },
    ],
  },
);

export const TaskContainerExecutionInformation = model("TaskContainerExecutionInformation", {
  containerId: f.string(),
  state: f.string(),
  error: f.string(),
});
