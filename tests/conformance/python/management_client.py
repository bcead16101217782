"""What a Python user of azure-mgmt-batch 17 (2022-10-01) and azure-mgmt-resource does, against the server given:
arm-url client-id client-secret subscription resource-group location storage-account certificate thumbprint. Every operation group of both that
is served is used whole. Ends with "all good"."""

import base64
import datetime
import sys
import time
from urllib.parse import urlsplit

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.mgmt.batch import BatchManagementClient, models
from azure.mgmt.resource import ResourceManagementClient
from azure.storage.blob import BlobClient
from polling import until

arm_url, client_id, client_secret, subscription, group, location, storage_account, certificate, thumbprint = sys.argv[1:10]
# The tenant is called adfs: this azure-identity asks the public cloud about any other.
credential = ClientSecretCredential("adfs", client_id, client_secret, authority=arm_url)
to_server = {"base_url": arm_url, "credential_scopes": ["https://management.core.windows.net/.default"]}
client = BatchManagementClient(credential, subscription, **to_server)
resources = ResourceManagementClient(credential, subscription, **to_server)
account = "pyaccount1"
storage_id = "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Storage/storageAccounts/%s" % (subscription, group, storage_account)


def refused(call, code, status):
    try:
        call()
    except HttpResponseError as error:
        assert (error.error.code, error.status_code) == (code, status), (error.error.code, error.status_code, error.message)
        return
    raise AssertionError("should have been refused with %s" % code)


def groups():
    made = resources.resource_groups.create_or_update("pygroup", {"location": location, "tags": {"who": "python"}})
    assert made.name == "pygroup" and made.properties.provisioning_state == "Succeeded", made
    assert resources.resource_groups.check_existence("pygroup") and not resources.resource_groups.check_existence("nosuch")
    resources.resource_groups.update("pygroup", {"tags": {"who": "patched"}})
    assert resources.resource_groups.get("pygroup").tags == {"who": "patched"}
    assert {"pygroup", group} <= {one.name for one in resources.resource_groups.list()}
    batch = resources.providers.get("Microsoft.Batch")
    assert batch.registration_state == "Registered" and "batchAccounts" in [kind.resource_type for kind in batch.resource_types], batch
    assert resources.providers.register("Microsoft.Batch").registration_state == "Registered"
    assert "Microsoft.Batch" in [one.namespace for one in resources.providers.list()]


def accounts():
    parameters = models.BatchAccountCreateParameters(
        location=location, tags={"who": "python"}, auto_storage=models.AutoStorageBaseProperties(storage_account_id=storage_id)
    )
    made = client.batch_account.begin_create("pygroup", account, parameters).result()
    assert (made.name, made.type, made.provisioning_state) == (account, "Microsoft.Batch/batchAccounts", "Succeeded"), made
    assert made.auto_storage.storage_account_id == storage_id and made.auto_storage.last_key_sync is not None
    assert made.pool_allocation_mode == models.PoolAllocationMode.BATCH_SERVICE and made.identity.type == "None", made
    assert made.public_network_access == "Enabled" and made.encryption.key_source == "Microsoft.Batch", made
    assert set(made.allowed_authentication_modes) == {"SharedKey", "AAD", "TaskAuthenticationToken"}, made
    assert isinstance(made.pool_quota, int) and "://" not in made.account_endpoint, made
    assert client.batch_account.get("PYGROUP", account.upper()).name == account
    assert {account} < {one.name for one in client.batch_account.list()}
    assert [one.name for one in client.batch_account.list_by_resource_group("pygroup")] == [account]
    changed = client.batch_account.update("pygroup", account, models.BatchAccountUpdateParameters(tags={"who": "patched"}))
    assert changed.tags == {"who": "patched"}, changed
    keys = client.batch_account.get_keys("pygroup", account)
    assert keys.account_name == account and len(base64.b64decode(keys.primary)) == 64 and keys.primary != keys.secondary
    renewed = client.batch_account.regenerate_key(
        "pygroup", account, models.BatchAccountRegenerateKeyParameters(key_name=models.AccountKeyType.SECONDARY)
    )
    assert renewed.primary == keys.primary and renewed.secondary != keys.secondary
    client.batch_account.synchronize_auto_storage_keys("pygroup", account)
    outbound = list(client.batch_account.list_outbound_network_dependencies_endpoints("pygroup", account))
    assert outbound and all(one.category and one.endpoints for one in outbound), outbound
    detectors = list(client.batch_account.list_detectors("pygroup", account))
    assert detectors, "no detectors"
    assert client.batch_account.get_detector("pygroup", account, detectors[0].name).id.lower() == detectors[0].id.lower()
    refused(lambda: client.batch_account.get("pygroup", "nosuch"), "ResourceNotFound", 404)
    refused(lambda: client.batch_account.get("nosuch", account), "ResourceGroupNotFound", 404)
    assert [one.name for one in resources.resources.list_by_resource_group("pygroup")] == [account]
    assert account in [one.name for one in resources.resources.list(filter="resourceType eq 'Microsoft.Batch/batchAccounts'")]


def locations():
    assert client.location.get_quotas(location).account_quota > 0
    skus = list(client.location.list_supported_virtual_machine_skus(location))
    assert skus and all(sku.name and sku.family_name and sku.capabilities for sku in skus)
    family = skus[0].family_name
    some = list(client.location.list_supported_virtual_machine_skus(location, maxresults=1, filter="familyName eq '%s'" % family))
    assert some and {sku.family_name for sku in some} == {family}, some
    list(client.location.list_supported_cloud_service_skus(location))
    ask = lambda name: client.location.check_name_availability(location, models.CheckNameAvailabilityParameters(name=name))
    assert ask("freename1").name_available is True and ask("freename1").reason is None
    taken = ask(account)
    assert (taken.name_available, taken.reason) == (False, models.NameAvailabilityReason.ALREADY_EXISTS), taken
    assert ask("X").reason == models.NameAvailabilityReason.INVALID
    operations = list(client.operations.list())
    assert "Microsoft.Batch/batchAccounts/read" in [one.name for one in operations] and all(one.display.operation for one in operations)


def uploader(url):
    """BlobClient.from_blob_url takes every host with "localhost" in it for one that has the account in the path: not so where it is in the name."""
    parts = urlsplit(url)
    if len(parts.path.strip("/").split("/", 2)) > 2:
        return BlobClient.from_blob_url(url, api_version="2021-08-06")
    container, blob = parts.path.strip("/").split("/", 1)
    return BlobClient("https://" + parts.netloc, container, blob, credential=parts.query, api_version="2021-08-06")


def applications():
    made = client.application.create("pygroup", account, "app", models.Application(display_name="An app", allow_updates=True))
    assert (made.name, made.display_name, made.allow_updates) == ("app", "An app", True) and made.etag.startswith('W/"'), made
    assert client.application.create("pygroup", account, "bare").allow_updates is True
    package = client.application_package.create("pygroup", account, "app", "1.0")
    assert package.state == models.PackageState.PENDING and package.storage_url_expiry > datetime.datetime.now(datetime.timezone.utc)
    uploader(package.storage_url).upload_blob(b"a package", overwrite=True)
    activation = models.ActivateApplicationPackageParameters(format="zip")
    active = client.application_package.activate("pygroup", account, "app", "1.0", activation)
    assert (active.state, active.format) == (models.PackageState.ACTIVE, "zip") and active.last_activation_time, active
    assert client.application_package.get("pygroup", account, "app", "1.0").state == models.PackageState.ACTIVE
    assert [one.name for one in client.application_package.list("pygroup", account, "app")] == ["1.0"]
    changed = client.application.update("pygroup", account, "app", models.Application(default_version="1.0"))
    assert changed.default_version == "1.0" and client.application.get("pygroup", account, "app").default_version == "1.0"
    assert {one.name for one in client.application.list("pygroup", account, maxresults=1)} == {"app", "bare"}
    client.application_package.delete("pygroup", account, "app", "1.0")
    client.application.delete("pygroup", account, "app")
    client.application.delete("pygroup", account, "bare")
    assert list(client.application.list("pygroup", account)) == []
    refused(lambda: client.application.get("pygroup", account, "app"), "ApplicationNotFound", 404)


machine = models.DeploymentConfiguration(
    virtual_machine_configuration=models.VirtualMachineConfiguration(
        image_reference=models.ImageReference(publisher="canonical", offer="0001-com-ubuntu-server-jammy", sku="22_04-lts"),
        node_agent_sku_id="batch.node.ubuntu 22.04",
    )
)
steady = models.AllocationState.STEADY


def pool_is(name, done):
    return until(lambda: client.pool.get("pygroup", account, name), done)


def pools():
    made = client.pool.create(
        "pygroup",
        account,
        "pool",
        models.Pool(
            vm_size="STANDARD_D2_V3",
            display_name="A pool",
            deployment_configuration=machine,
            task_slots_per_node=4,
            inter_node_communication=models.InterNodeCommunicationState.DISABLED,
            scale_settings=models.ScaleSettings(fixed_scale=models.FixedScaleSettings(target_dedicated_nodes=1)),
            start_task=models.StartTask(command_line="/bin/true", wait_for_success=True),
            metadata=[models.MetadataItem(name="who", value="python")],
            user_accounts=[models.UserAccount(name="someone", password="Secret-1", elevation_level=models.ElevationLevel.ADMIN)],
        ),
    )
    assert (made.name, made.vm_size, made.display_name, made.task_slots_per_node) == ("pool", "STANDARD_D2_V3", "A pool", 4), made
    assert made.provisioning_state == models.PoolProvisioningState.SUCCEEDED and made.etag.startswith('W/"'), made
    assert made.scale_settings.fixed_scale.resize_timeout == datetime.timedelta(minutes=15), made.scale_settings
    assert made.user_accounts[0].password is None and made.user_accounts[0].elevation_level == "Admin", made.user_accounts
    pool = pool_is("pool", lambda pool: pool.allocation_state == steady and pool.current_dedicated_nodes == 1)
    assert pool.resize_operation_status is None or pool.resize_operation_status.errors in (None, []), pool.resize_operation_status
    stale, etag = '"0x8D000000000"', pool.etag
    change = models.Pool(metadata=[models.MetadataItem(name="who", value="patched")])
    refused(lambda: client.pool.update("pygroup", account, "pool", change, if_match=stale), "ConditionNotMet", 412)
    assert client.pool.update("pygroup", account, "pool", change, if_match=etag).metadata[0].value == "patched"
    small = models.Pool(vm_size="STANDARD_A1", deployment_configuration=machine)
    refused(lambda: client.pool.create("pygroup", account, "pool", small, if_none_match="*"), "ConditionNotMet", 412)
    grown = models.Pool(scale_settings=models.ScaleSettings(fixed_scale=models.FixedScaleSettings(target_dedicated_nodes=2)))
    client.pool.update("pygroup", account, "pool", grown)
    pool_is("pool", lambda pool: pool.allocation_state == steady and pool.current_dedicated_nodes == 2)
    formula = models.AutoScaleSettings(formula="$TargetDedicatedNodes = 1;", evaluation_interval=datetime.timedelta(minutes=5))
    auto = client.pool.update("pygroup", account, "pool", models.Pool(scale_settings=models.ScaleSettings(auto_scale=formula)))
    assert auto.scale_settings.auto_scale.formula == formula.formula and auto.scale_settings.fixed_scale is None, auto.scale_settings
    ran = pool_is("pool", lambda pool: pool.auto_scale_run is not None and pool.allocation_state == steady)
    assert "$TargetDedicatedNodes=1" in ran.auto_scale_run.results and ran.auto_scale_run.error is None, ran.auto_scale_run
    fixed = client.pool.disable_auto_scale("pygroup", account, "pool")
    assert fixed.scale_settings.auto_scale is None and fixed.scale_settings.fixed_scale is not None, fixed.scale_settings
    pool_is("pool", lambda pool: pool.allocation_state == steady)
    assert client.pool.stop_resize("pygroup", account, "pool").name == "pool"
    client.pool.create("pygroup", account, "empty", small)
    assert {one.name for one in client.pool.list_by_batch_account("pygroup", account, maxresults=1)} == {"pool", "empty"}
    filtered = client.pool.list_by_batch_account("pygroup", account, filter="name eq 'empty'", select="properties/vmSize")
    assert [(one.name, one.vm_size, one.allocation_state) for one in filtered] == [("empty", "STANDARD_A1", None)]
    client.pool.begin_delete("pygroup", account, "empty").result()
    refused(lambda: client.pool.get("pygroup", account, "empty"), "PoolNotFound", 404)
    client.pool.begin_delete("pygroup", account, "pool").result()
    assert list(client.pool.list_by_batch_account("pygroup", account)) == []


def certificates():
    name = "sha1-" + thumbprint
    parameters = models.CertificateCreateOrUpdateParameters(data=certificate, format="Cer", thumbprint_algorithm="sha1", thumbprint=thumbprint)
    made = client.certificate.create("pygroup", account, name, parameters)
    assert made.provisioning_state == "Succeeded" and made.thumbprint.lower() == thumbprint.lower() and made.public_data, made
    assert made.format == "Cer" and made.etag.startswith('W/"'), made
    assert client.certificate.get("pygroup", account, name).name.lower() == name.lower()
    assert len(list(client.certificate.list_by_batch_account("pygroup", account))) == 1
    client.certificate.update("pygroup", account, name, parameters)
    refused(lambda: client.certificate.cancel_deletion("pygroup", account, name), "CertificateStateActive", 409)
    client.certificate.begin_delete("pygroup", account, name).result()
    assert list(client.certificate.list_by_batch_account("pygroup", account)) == []


def private_endpoints():
    links = {one.name: one for one in client.private_link_resource.list_by_batch_account("pygroup", account)}
    assert set(links) == {"batchAccount", "nodeManagement"} and links["batchAccount"].required_members == ["batchAccount"], links
    link = client.private_link_resource.get("pygroup", account, "batchAccount")
    assert link.group_id == "batchAccount" and link.required_zone_names, link
    below = "/subscriptions/%s/resourceGroups/pygroup/providers" % subscription
    endpoint = below + "/Microsoft.Network/privateEndpoints/pyendpoint"
    connection = {
        "name": "toaccount",
        "properties": {
            "privateLinkServiceId": below + "/Microsoft.Batch/batchAccounts/" + account,
            "groupIds": ["batchAccount"],
            "requestMessage": "please",
        },
    }
    subnet = below + "/Microsoft.Network/virtualNetworks/v/subnets/s"
    body = {"location": location, "properties": {"subnet": {"id": subnet}, "manualPrivateLinkServiceConnections": [connection]}}
    made = resources.resources.begin_create_or_update_by_id(endpoint, "2023-04-01", body).result()
    assert made.name == "pyendpoint" and made.properties["provisioningState"] == "Succeeded", made
    [asked] = list(client.private_endpoint_connection.list_by_batch_account("pygroup", account))
    assert asked.name.startswith("pyendpoint.") and asked.private_link_service_connection_state.status == "Pending", asked
    assert asked.private_endpoint.id.lower() == endpoint.lower() and asked.group_ids == ["batchAccount"], asked
    approval = models.PrivateEndpointConnection(
        private_link_service_connection_state=models.PrivateLinkServiceConnectionState(status="Approved", description="yes")
    )
    updated = client.private_endpoint_connection.begin_update("pygroup", account, asked.name, approval).result()
    assert updated.private_link_service_connection_state.status == "Approved", updated
    got = client.private_endpoint_connection.get("pygroup", account, asked.name)
    assert got.provisioning_state == "Succeeded" and got.private_link_service_connection_state.description == "yes", got
    assert [one.name for one in client.batch_account.get("pygroup", account).private_endpoint_connections] == [asked.name]
    client.private_endpoint_connection.begin_delete("pygroup", account, asked.name).result()
    assert list(client.private_endpoint_connection.list_by_batch_account("pygroup", account)) == []
    resources.resources.begin_delete_by_id(endpoint, "2023-04-01").result()


def end():
    client.batch_account.begin_delete("pygroup", account).result()
    try:
        client.batch_account.get("pygroup", account)
        raise AssertionError("still there")
    except ResourceNotFoundError:
        pass
    resources.resource_groups.begin_delete("pygroup").result()
    assert not resources.resource_groups.check_existence("pygroup")


steps = [groups, accounts, locations, applications, pools, certificates, private_endpoints, end]
for step in steps:
    begun = time.monotonic()
    step()
    print("%s %.1f s" % (step.__name__, time.monotonic() - begun), flush=True)
print("all good")
