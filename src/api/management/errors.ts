// The error codes of Azure Resource Manager and of the resource types that stand around Batch: status and short text, as batchErrors in
// api/errors.ts has those of the data plane. Codes that both planes know (PoolNotFound, ConditionNotMet) are there only.

/** Statuses and codes as ARM answers them (reference: management-plane section 1, real-behaviours section 4); texts are filled by who throws. */
export const managementErrors = {
  // Who asks. All are 401 but the last, which is about what the caller may do.
  InvalidAuthenticationToken: [401, "The access token is invalid."],
  ExpiredAuthenticationToken: [401, "The access token expired."],
  InvalidAuthenticationTokenAudience: [401, "The access token has been obtained for wrong audience or resource."],
  InvalidAuthenticationTokenTenant: [
    401,
    "The access token is from the wrong issuer. It must match the tenant that this subscription is in.",
  ],
  AuthorizationFailed: [403, "The client does not have authorization to perform the action over the scope."],

  // The request as such.
  MissingApiVersionParameter: [400, "The api-version query parameter (?api-version=) is required for all requests."],
  InvalidApiVersionParameter: [400, "The api-version is invalid."],
  NoRegisteredProviderFound: [400, "No registered resource provider found for the location and API version."],
  InvalidRequestContent: [400, "The request content was invalid and could not be deserialized."],
  InvalidRequestFormat: [400, "The request was incorrectly formatted."],
  InvalidParameter: [400, "One of the request parameters is invalid."],
  InvalidResourceName: [400, "The resource name is invalid."],
  ReservedResourceName: [400, "The resource name contains a reserved word."],
  InvalidFilterInQueryString: [400, "The filter in the query string is not valid."],
  LocationRequired: [400, "The location property is required for this definition."],
  LocationNotAvailableForResourceType: [400, "The provided location is not available for the resource type."],
  LocationNotAvailableForResourceGroup: [400, "The provided location is not available for resource groups."],
  InvalidLocation: [400, "The location is invalid."],
  InvalidResourceGroup: [400, "The provided resource group name is invalid."],
  AccountNameInvalid: [400, "The storage account name is invalid."],
  TooManyTags: [400, "There are too many tags."],
  InvalidTagNameCharacters: [400, "The tag names have reserved characters."],
  InvalidTagName: [400, "Two tags have the same name."],
  TagTooLong: [400, "A tag is too long."],
  InvalidResourceLocation: [
    409,
    "The resource already exists in another location. A resource with the same name cannot be created in a new location.",
  ],
  InvalidResourceGroupLocation: [409, "The resource group already exists in another location."],
  LinkedInvalidPropertyId: [400, "A property id is invalid. It must be a fully qualified resource id."],
  LinkedAuthorizationFailed: [403, "The linked resource is of another subscription."],
  PropertyChangeNotAllowed: [409, "Changing the property is not allowed."],
  OperationNotAllowed: [409, "The operation is not allowed."],
  MethodNotAllowed: [405, "The requested resource does not support the http method."],
  RequestEntityTooLarge: [413, "The size of the request is larger than the maximum allowed."],
  PreconditionFailed: [412, "The condition specified using HTTP conditional header(s) is not met."],

  // Not there.
  SubscriptionNotFound: [404, "The subscription could not be found."],
  InvalidSubscriptionId: [400, "The provided subscription identifier is malformed or invalid."],
  ResourceGroupNotFound: [404, "The resource group could not be found."],
  InvalidResourceNamespace: [404, "The resource namespace is invalid."],
  InvalidResourceType: [404, "The resource type could not be found in the namespace."],
  ParentResourceNotFound: [404, "The parent resource could not be found."],
  NotFound: [404, "The resource could not be found."],
  AccountNotFound: [404, "The specified account does not exist."],
  ApplicationPackageNotFound: [404, "The specified application package does not exist."],

  // The wrong moment, or already there.
  AccountBeingDeleted: [409, "The specified account is being deleted."],
  ResourceGroupBeingDeleted: [409, "The resource group is in deprovisioning state and cannot perform this operation."],
  AccountAlreadyExists: [409, "The specified account already exists."],
  SubscriptionQuotaExceeded: [409, "The regional account quota for the subscription has been reached."],
  ApplicationPackagesExist: [409, "The application has packages. Delete them first."],
  ApplicationUpdatesNotAllowed: [409, "The application does not allow updates of its packages."],
  ApplicationLimitReached: [409, "The limit of applications or of packages has been reached."],
  ApplicationPackageBlobNotFound: [409, "The package has not been uploaded to its storage URL."],
  AutoStorageNotConfigured: [409, "The account has no auto storage account."],
  AutoStorageNoPermission: [409, "The auto storage account does not let the account in."],
  StorageAccountAlreadyTaken: [409, "The storage account name is already taken."],
  PoolsReferencingCertificate: [409, "The specified certificate is being used by pools."],
  SharedKeyNotAllowed: [403, "Shared key is not an allowed authentication mode of the account."],
  ResourceInUse: [409, "The resource is in use."],
  ScopeLocked: [409, "The scope cannot perform the operation because it is locked."],
  ResourceGroupDeletionBlocked: [409, "The resource group could not be deleted because of something in it."],
  MissingSubscriptionRegistration: [409, "The subscription is not registered to use the namespace."],
  CannotUnregisterNamespace: [409, "The subscription has resources of the namespace."],
  PrivateEndpointConnectionLimitReached: [409, "The limit of private endpoint connections has been reached."],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type ManagementErrorCode = keyof typeof managementErrors;
