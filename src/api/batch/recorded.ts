// Why Quern keeps some properties without acting on them, in the words of the manual's compatibility table. Sentences only: a property
// carries one of these (or its own) as `recorded`, and everything below such a property is recorded with it.

export const recorded = {
  azureDisks: "A host node has the disks of its machine.",
  azureNetwork: "A host node shares its machine's network; nothing is attached, opened or translated.",
  azureSecurity: "Security of virtual machines, which a host node is not.",
  azureUpgrades: "Nothing upgrades the operating system of a machine that is yours.",
  azureOnly: "Means something to Azure's own resources only.",
  cloudServices: "Cloud Services are retired; the pool is kept as it was sent, and a clear resize error says that it gets no nodes.",
  nodeUsers: "The account is kept with the node and is gone with it; nobody can log in to a host node through Quern.",
  remoteLogin: "The address and the port are those of the node's endpoint; nothing listens there.",
  extensions: "Those that the pool declares are listed; none runs: they are programs for Azure's own virtual machines.",
  users: "Tasks run as the user that the agent runs as.",
  certificates: "Certificates are not put on nodes.",
  containers: "Tasks and nodes with containers wait and say so (ContainerSettingsNotSupported).",
  mounts: "A pool with mounts gets no nodes and says so (MountsNotSupported).",
  identities: "There are no managed identities: what needs one waits and says so (AutoStorageNotSupported).",
  multiInstance: "Tasks of several nodes wait and say so (MultiInstanceNotSupported).",
  manager: "The tasks of a job with a manager wait and say so (JobManagerTaskNotSupported).",
  preparation: "The tasks of a job with a preparation task wait and say so (JobPreparationTaskNotSupported).",
  release: "The tasks of a job with a release task wait and say so (JobReleaseTaskNotSupported).",
  preemption: "No running task is stopped for one of a higher priority.",
  interNode: "Host nodes of one machine always reach each other.",
  certificatesKept: "Certificates are validated, kept, listed and referred to, but not put on nodes.",
  noRuns: "Nothing has run yet that it could tell of: see preparation, release and multi-instance tasks.",
  upgrade:
    "A pool of Cloud Services has no nodes, so that its upgrade is over at once; every other pool refuses (OperationNotValidOnPool).",
  traffic: "The traffic of nodes is not measured: always 0.",
  neverSent: "Read in examples, not sent: there is nothing to tell.",
} as const;
