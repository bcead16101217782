"""What a Python user of azure-mgmt-resource, -storage, -msi and -network does with what stands around Batch, against the server given:
arm-url client-id client-secret subscription tenant batch-account-id. Ends with "all good"."""

import sys

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resource import ResourceManagementClient, SubscriptionClient
from azure.mgmt.storage import StorageManagementClient

arm_url, client_id, client_secret, subscription, tenant, batch_account_id = sys.argv[1:7]
# The tenant is called adfs: this azure-identity asks the public cloud about any other.
credential = ClientSecretCredential("adfs", client_id, client_secret, authority=arm_url)
to_server = {"base_url": arm_url, "credential_scopes": ["https://management.core.windows.net/.default"]}
subscriptions = SubscriptionClient(credential, **to_server)
resources = ResourceManagementClient(credential, subscription, **to_server)
storage = StorageManagementClient(credential, subscription, **to_server)
identities = ManagedServiceIdentityClient(credential, subscription, **to_server)
network = NetworkManagementClient(credential, subscription, **to_server)
group = "pygroup"


def refused(call, code, status):
    try:
        call()
    except HttpResponseError as error:
        assert (error.error.code, error.status_code) == (code, status), error
        return
    raise AssertionError("%s was not refused" % code)


def names(items):
    return sorted(item.name for item in items)


def look_around():
    assert [one.subscription_id for one in subscriptions.subscriptions.list()] == [subscription]
    assert subscriptions.subscriptions.get(subscription).state == "Enabled"
    assert [one.tenant_id for one in subscriptions.tenants.list()] == [tenant]
    assert "westus2" in names(subscriptions.subscriptions.list_locations(subscription))
    assert resources.providers.get("Microsoft.Storage").registration_state == "Registered"
    assert "Microsoft.Batch" in [one.namespace for one in resources.providers.list(expand="metadata")]
    assert resources.providers.register("Microsoft.Network").registration_state == "Registered"


def groups():
    made = resources.resource_groups.create_or_update(group, {"location": "westeurope", "tags": {"a": "b"}})
    assert (made.name, made.properties.provisioning_state) == (group, "Succeeded")
    assert resources.resource_groups.check_existence(group)
    assert not resources.resource_groups.check_existence("nosuch")
    assert resources.resource_groups.update(group, {"tags": {"c": "d"}}).tags == {"c": "d"}
    assert names(resources.resource_groups.list(filter="tagName eq 'c' and tagValue eq 'd'")) == [group]
    refused(lambda: resources.resource_groups.get("nosuch"), "ResourceGroupNotFound", 404)


def storage_accounts():
    accounts = storage.storage_accounts
    assert accounts.check_name_availability({"name": "pystorage1"}).name_available
    body = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    made = accounts.begin_create(group, "pystorage1", body).result()
    assert (made.name, made.provisioning_state) == ("pystorage1", "Succeeded")
    assert made.primary_endpoints.blob.endswith("/")
    assert accounts.check_name_availability({"name": "pystorage1"}).reason == "AlreadyExists"
    keys = accounts.list_keys(group, "pystorage1").keys
    renewed = accounts.regenerate_key(group, "pystorage1", {"key_name": "key1"}).keys
    assert renewed[0].value != keys[0].value and renewed[1].value == keys[1].value
    assert accounts.update(group, "pystorage1", {"tags": {"x": "y"}}).tags == {"x": "y"}
    assert accounts.get_properties(group, "pystorage1").tags == {"x": "y"}
    assert names(accounts.list()) == ["devstoreaccount1", "pystorage1"]
    assert names(accounts.list_by_resource_group(group)) == ["pystorage1"]


def user_identities():
    of = identities.user_assigned_identities
    made = of.create_or_update(group, "py-identity", {"location": "westeurope"})
    assert made.tenant_id == tenant and len(made.principal_id) == 36
    assert of.get(group, "py-identity").client_id == made.client_id
    assert of.update(group, "py-identity", {"tags": {"a": "b"}}).tags == {"a": "b"}
    assert names(of.list_by_resource_group(group)) == names(of.list_by_subscription()) == ["py-identity"]
    of.delete(group, "py-identity")
    refused(lambda: of.get(group, "py-identity"), "ResourceNotFound", 404)


def endpoints():
    connection = {"name": "c", "private_link_service_id": batch_account_id, "group_ids": ["batchAccount"]}
    body = {"location": "westeurope", "subnet": {"id": "/a/subnet"}, "private_link_service_connections": [connection]}
    made = network.private_endpoints.begin_create_or_update(group, "py-endpoint", body).result()
    assert made.provisioning_state == "Succeeded"
    state = made.private_link_service_connections[0].private_link_service_connection_state
    assert state.status == "Approved", state
    assert names(network.private_endpoints.list(group)) == names(network.private_endpoints.list_by_subscription()) == ["py-endpoint"]
    assert network.private_endpoints.get(group, "py-endpoint").name == "py-endpoint"
    network.private_endpoints.begin_delete(group, "py-endpoint").result()
    assert names(network.private_endpoints.list(group)) == []


def generic():
    storage_type = "Microsoft.Storage/storageAccounts"
    listed = list(resources.resources.list(filter="resourceType eq '%s'" % storage_type, expand="createdTime,provisioningState"))
    assert names(listed) == ["devstoreaccount1", "pystorage1"]
    assert all(one.provisioning_state == "Succeeded" and one.created_time for one in listed)
    assert names(resources.resources.list_by_resource_group(group, top=1)) == ["pystorage1"]
    by_id = resources.resources.get_by_id(listed[1].id, "2022-09-01")
    assert by_id.kind == "StorageV2"
    tags = resources.tags
    tags.begin_create_or_update_at_scope(listed[1].id, {"properties": {"tags": {"k": "v"}}}).result()
    tags.begin_update_at_scope(listed[1].id, {"operation": "Merge", "properties": {"tags": {"l": "w"}}}).result()
    assert tags.get_at_scope(listed[1].id).properties.tags == {"k": "v", "l": "w"}
    assert "k" in [one.tag_name for one in tags.list()]
    tags.begin_delete_at_scope(listed[1].id).result()
    assert tags.get_at_scope(listed[1].id).properties.tags == {}


def the_end():
    storage.storage_accounts.delete(group, "pystorage1")
    resources.resource_groups.begin_delete(group).result()
    assert not resources.resource_groups.check_existence(group)
    try:
        storage.storage_accounts.get_properties(group, "pystorage1")
    except ResourceNotFoundError as error:
        assert error.error.code == "ResourceGroupNotFound", error
    else:
        raise AssertionError("it is still there")


for step in (look_around, groups, storage_accounts, user_identities, endpoints, generic, the_end):
    step()
    print(step.__name__)
print("all good")
