"""What a Python user of azure-mgmt-azurestackhci (2021-09-01-preview) does with images, against the server given:
arm-url client-id client-secret subscription group image-path container-path. Ends with "all good"."""

import sys

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.mgmt.azurestackhci import AzureStackHCIClient
from azure.mgmt.azurestackhci.models import (
    ExtendedLocation,
    GalleryImageIdentifier,
    GalleryImageVersion,
    Galleryimages,
    GalleryimagesPatch,
    Marketplacegalleryimages,
    MarketplacegalleryimagesPatch,
    Storagecontainers,
    StoragecontainersPatch,
)

arm_url, client_id, client_secret, subscription, group, image_path, container_path = sys.argv[1:8]
# The tenant is called adfs: this azure-identity asks the public cloud about any other.
credential = ClientSecretCredential("adfs", client_id, client_secret, authority=arm_url)
client = AzureStackHCIClient(
    credential, subscription, base_url=arm_url, credential_scopes=["https://management.core.windows.net/.default"]
)
place = ExtendedLocation(type="CustomLocation", name="/custom/location")


def names(items):
    return sorted(item.name for item in items)


def gone(retrieve, name):
    try:
        retrieve(group, name)
    except ResourceNotFoundError as error:
        assert error.error.code == "ResourceNotFound", error
        return
    raise AssertionError("%s is still there" % name)


containers = client.storagecontainers
made = containers.begin_create_or_update(group, "py-container", Storagecontainers(location="eastus", path=container_path)).result()
assert made.provisioning_state == "Succeeded", made
got = containers.retrieve(group, "py-container")
assert got.path == container_path and got.status.error_code == "", got
assert 0 < got.available_size_mb <= got.container_size_mb and got.status.available_size_mb > 0, got
assert containers.update(group, "py-container", StoragecontainersPatch(tags={"a": "b"})).tags == {"a": "b"}
assert names(containers.list_by_resource_group(group)) == ["py-container"]
assert names(containers.list_by_subscription()) == ["py-container"]

images = client.galleryimages
# A container of the same group can be named, in this version.
wanted = Galleryimages(
    location="eastus",
    extended_location=place,
    container_name="py-container",
    image_path=image_path,
    os_type="Linux",
    hyper_v_generation="V2",
    identifier=GalleryImageIdentifier(publisher="py", offer="tools", sku="base"),
    version=GalleryImageVersion(name="1.0.0"),
)
made = images.begin_create_or_update(group, "py-image", wanted).result()
assert made.provisioning_state == "Succeeded", (made.status.error_code, made.status.error_message)
got = images.retrieve(group, "py-image")
assert got.image_path is None and got.os_type == "Linux" and got.identifier.sku == "base" and got.version.name == "1.0.0"
assert got.extended_location.name == place.name and got.system_data.created_by_type == "Application"
assert got.status.progress_percentage == 100 and got.status.provisioning_status.status == "Succeeded"
assert got.status.download_status.download_size_in_mb >= 1 and got.version.storage_profile.os_disk_image.size_in_mb >= 1
assert images.update(group, "py-image", GalleryimagesPatch(tags={"c": "d"})).tags == {"c": "d"}
assert names(images.list_by_resource_group(group)) == ["py-image"]
assert names(images.list_by_subscription()) == ["py-image"]

wanted.image_path = "/etc/hostname"
try:
    images.begin_create_or_update(group, "py-bad", wanted).result()
    raise AssertionError("it was imported")
except HttpResponseError as error:
    assert error.error.code == "ImagePathNotAllowed", error
failed = images.retrieve(group, "py-bad")
assert failed.provisioning_state == "Failed" and failed.status.error_code == "ImagePathNotAllowed", failed
try:
    containers.delete(group, "py-container")
    raise AssertionError("it was deleted")
except ResourceExistsError as error:
    assert error.error.code == "ResourceInUse", error

market = client.marketplacegalleryimages
made = market.begin_create_or_update(
    group,
    "py-market",
    Marketplacegalleryimages(
        location="eastus",
        os_type="Linux",
        identifier=GalleryImageIdentifier(publisher="market", offer="debian", sku="12"),
        version=GalleryImageVersion(name="12.1.0"),
    ),
).result()
assert made.provisioning_state == "Succeeded", (made.status.error_code, made.status.error_message)
assert market.get(group, "py-market").version.name == "12.1.0"
assert market.update(group, "py-market", MarketplacegalleryimagesPatch(tags={"e": "f"})).tags == {"e": "f"}
assert names(market.list_by_resource_group(group)) == ["py-market"]
assert names(market.list_by_subscription()) == ["py-market"]

for kind, several in ((market, ["py-market"]), (images, ["py-image", "py-bad"]), (containers, ["py-container"])):
    for name in several:
        kind.delete(group, name)
        gone(getattr(kind, "retrieve", None) or kind.get, name)
        kind.delete(group, name)
print("all good")
