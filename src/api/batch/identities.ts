// Who tasks run as: user accounts of nodes, automatic users, managed identities. Data only.
import { type Conversion, f, legacy, model, required } from "../fields.ts";
import { recorded } from "./recorded.ts";

export const elevationLevel = ["nonadmin", "admin"] as const;

export const AutoUserSpecification = model("AutoUserSpecification", {
  scope: f.enum(["task", "pool"], {
    defaults: [
      { since: "2015-12-01.2.2", value: "task" },
      { since: "2019-08-01.10.0", value: "pool" },
    ],
  }),
  elevationLevel: f.enum(elevationLevel, { default: "nonadmin" }),
});

export const UserIdentity = model(
  "UserIdentity",
  {
    username: f.string({ minLength: 1 }),
    autoUser: f.object(AutoUserSpecification),
  },
  { rules: [{ rule: "atMostOne", of: ["username", "autoUser"] }] },
);

/** What a task runs as when it does not say: an automatic user with the scope of its version. */
export const defaultIdentity = { autoUser: {} } as const;

/** `runElevated`, which versions before 2017-01-01.4.0 have in place of `userIdentity`. */
export const runElevated = legacy(f.boolean({ until: "2016-07-01.3.1", recorded: recorded.users }));

export const elevation: Conversion = {
  until: "2016-07-01.3.1",
  up: (value) => {
    if (value.runElevated !== undefined) {
      value.userIdentity = { autoUser: { scope: "task", elevationLevel: value.runElevated === true ? "admin" : "nonadmin" } };
    }
    delete value.runElevated;
  },
  down: (value) => {
    const identity = value.userIdentity as { autoUser?: { elevationLevel?: string } } | undefined;
    if (identity !== undefined) value.runElevated = identity.autoUser?.elevationLevel === "admin";
  },
};

export const LinuxUserConfiguration = model("LinuxUserConfiguration", {
  uid: f.int32({ min: 0 }),
  gid: f.int32({ min: 0 }),
  sshPrivateKey: f.string({ secret: true }),
});

export const WindowsUserConfiguration = model("WindowsUserConfiguration", {
  loginMode: f.enum(["batch", "interactive"]),
});

export const UserAccount = model(
  "UserAccount",
  {
    name: required(f.string({ minLength: 1, maxLength: 20 })),
    password: required(f.string({ secret: true })),
    elevationLevel: f.enum(elevationLevel, { default: "nonadmin" }),
    linuxUserConfiguration: f.object(LinuxUserConfiguration, { since: "2017-05-01.5.0" }),
    windowsUserConfiguration: f.object(WindowsUserConfiguration, { since: "2018-12-01.8.0" }),
    sshPrivateKey: legacy(f.string({ until: "2017-01-01.4.0", secret: true })),
  },
  {
    conversions: [
      {
        until: "2017-01-01.4.0",
        up: (value) => {
          if (value.sshPrivateKey !== undefined) value.linuxUserConfiguration = { sshPrivateKey: value.sshPrivateKey };
          delete value.sshPrivateKey;
        },
      },
    ],
  },
);

/** What the token that a task is given may do. */
export const AuthenticationTokenSettings = model("AuthenticationTokenSettings", {
  access: f.array(f.enum(["job"])),
});

export const UserAssignedIdentity = model("UserAssignedIdentity", {
  resourceId: required(f.string()),
  clientId: f.string({ readOnly: true }),
  principalId: f.string({ readOnly: true }),
});

export const BatchPoolIdentity = model("BatchPoolIdentity", {
  type: required(f.enum(["UserAssigned", "None"])),
  userAssignedIdentities: f.array(f.object(UserAssignedIdentity)),
});
