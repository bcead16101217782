"""What a Python user of azure-mgmt-resource does with templates, against the server given: arm-url client-id client-secret subscription resource-group
template-file. Ends with "all good"."""

import json
import sys

from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential
from azure.mgmt.resource import ResourceManagementClient

arm_url, client_id, client_secret, subscription, group, file = sys.argv[1:7]
credential = ClientSecretCredential("adfs", client_id, client_secret, authority=arm_url)
client = ResourceManagementClient(
    credential, subscription, base_url=arm_url, credential_scopes=["https://management.core.windows.net/.default"]
)
deployments = client.deployments
with open(file) as opened:
    template = json.load(opened)


def sent(template, **parameters):
    values = {name: {"value": value} for name, value in parameters.items()}
    return {"properties": {"mode": "Incremental", "template": template, "parameters": values}}


def refused(call, *codes):
    try:
        call()
    except HttpResponseError as error:
        assert error.error.code in codes, (error.error.code, error)
        return error
    raise AssertionError("%s was not refused" % codes[0])


def in_group():
    body = sent(template, prefix="python")
    valid = deployments.begin_validate(group, "main", body).result()
    assert valid.error is None and valid.properties.provisioning_state == "Succeeded"
    changes = deployments.begin_what_if(group, "main", body).result().changes
    assert "Create" in [str(one.change_type.value if hasattr(one.change_type, "value") else one.change_type) for one in changes]
    made = deployments.begin_create_or_update(group, "main", body).result()
    assert made.properties.provisioning_state == "Succeeded", made.properties.error
    outputs = made.properties.outputs
    assert outputs["endpoint"]["value"].startswith("pythonbatch."), outputs
    assert "value" not in outputs["key"], outputs["key"]
    assert deployments.check_existence(group, "main") and not deployments.check_existence(group, "none")
    assert [one.name for one in deployments.list_by_resource_group(group, filter="provisioningState eq 'Succeeded'")] == ["main", "pools"]
    assert deployments.export_template(group, "main").template["outputs"].keys() == template["outputs"].keys()
    steps = list(client.deployment_operations.list(group, "main"))
    assert len(steps) == 5 and all(one.properties.provisioning_state == "Succeeded" for one in steps)
    one = client.deployment_operations.get(group, "main", steps[0].operation_id)
    assert one.properties.target_resource.id == steps[0].properties.target_resource.id
    refused(lambda: deployments.cancel(group, "main"), "DeploymentCannotBeCancelled")
    deployments.begin_delete(group, "main").result()
    assert not deployments.check_existence(group, "main")


def what_is_wrong():
    error = refused(lambda: deployments.begin_create_or_update(group, "bad", sent(template)).result(), "InvalidTemplate")
    assert "'prefix'" in error.error.message, error
    wrong = {"type": "Microsoft.Batch/batchAccounts", "apiVersion": "2024-07-01", "name": "Wrong Name", "location": "eastus"}
    broken = {"resources": [wrong], "contentVersion": "1.0.0.0", "$schema": "s"}
    error = refused(lambda: deployments.begin_create_or_update(group, "bad", sent(broken)).result(), "DeploymentFailed")
    assert error.error.details[0].code == "InvalidResourceName", error.error.details[0].code


def in_subscription():
    made = {"type": "Microsoft.Resources/resourceGroups", "apiVersion": "2022-09-01", "name": "pythons", "location": "eastus"}
    body = dict(sent({"resources": [made], "contentVersion": "1.0.0.0", "$schema": "s"}), location="eastus")
    deployments.begin_create_or_update_at_subscription_scope("groups", body).result()
    assert client.resource_groups.check_existence("pythons")
    assert [one.name for one in deployments.list_at_subscription_scope()] == ["groups"]


for step in (in_group, what_is_wrong, in_subscription):
    step()
    print(step.__name__)
print("all good")
