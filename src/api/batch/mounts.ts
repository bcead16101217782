// File systems that the nodes of a pool mount. Data only.
import { f, model, required } from "../fields.ts";
import { ComputeNodeIdentityReference } from "./common.ts";

const relativeMountPath = required(f.string({ minLength: 1 }));

export const AzureBlobFileSystemConfiguration = model(
  "AzureBlobFileSystemConfiguration",
  {
    accountName: required(f.string({ minLength: 1 })),
    containerName: required(f.string({ minLength: 1 })),
    accountKey: f.string({ secret: true }),
    sasKey: f.string({ secret: true }),
    blobfuseOptions: f.string(),
    relativeMountPath,
    identityReference: f.object(ComputeNodeIdentityReference, { since: "2021-06-01.14.0" }),
  },
  { rules: [{ rule: "exactlyOne", of: ["accountKey", "sasKey", "identityReference"] }] },
);

export const NFSMountConfiguration = model("NFSMountConfiguration", {
  source: required(f.string({ minLength: 1 })),
  relativeMountPath,
  mountOptions: f.string(),
});

export const CIFSMountConfiguration = model("CIFSMountConfiguration", {
  username: required(f.string({ minLength: 1 })),
  source: required(f.string({ minLength: 1 })),
  relativeMountPath,
  mountOptions: f.string(),
  password: required(f.string({ secret: true })),
});

export const AzureFileShareConfiguration = model("AzureFileShareConfiguration", {
  accountName: required(f.string({ minLength: 1 })),
  azureFileUrl: required(f.string({ minLength: 1 })),
  accountKey: required(f.string({ secret: true })),
  relativeMountPath,
  mountOptions: f.string(),
});

const kinds = {
  azureBlobFileSystemConfiguration: f.object(AzureBlobFileSystemConfiguration),
  nfsMountConfiguration: f.object(NFSMountConfiguration),
  cifsMountConfiguration: f.object(CIFSMountConfiguration),
  azureFileShareConfiguration: f.object(AzureFileShareConfiguration),
};

export const MountConfiguration = model("MountConfiguration", kinds, { rules: [{ rule: "exactlyOne", of: Object.keys(kinds) }] });
