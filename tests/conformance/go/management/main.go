// What a Go program does with Azure Batch's management plane (azure-sdk-for-go 68, 2022-01-01), against the server given:
// url token subscription resource-group location account-with-storage. Its models take only the JSON types that they know. Ends with "all good".
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/services/batch/mgmt/2022-01-01/batch"
	"github.com/Azure/go-autorest/autorest"
)

type bearer string

// OAuthToken is what go-autorest asks a token provider for.
func (b bearer) OAuthToken() string { return string(b) }

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func check(holds bool, what string, got interface{}) {
	if !holds {
		panic(fmt.Sprintf("%s: %v", what, got))
	}
}

// until asks again until done says so. Each question waits for its answer, so nothing sleeps.
func until(what string, done func() bool) {
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); {
		if done() {
			return
		}
	}
	panic("took too long: " + what)
}

func text(s string) *string { return &s }
func number(n int32) *int32 { return &n }

const account = "goaccount1"

func main() {
	url, subscription, group, location := os.Args[1], os.Args[3], os.Args[4], os.Args[5]
	authorizer := autorest.NewBearerAuthorizer(bearer(os.Args[2]))
	ctx := context.Background()
	accounts := batch.NewAccountClientWithBaseURI(url, subscription)
	pools := batch.NewPoolClientWithBaseURI(url, subscription)
	applications := batch.NewApplicationClientWithBaseURI(url, subscription)
	packages := batch.NewApplicationPackageClientWithBaseURI(url, subscription)
	locations := batch.NewLocationClientWithBaseURI(url, subscription)
	operations := batch.NewOperationsClientWithBaseURI(url, subscription)
	links := batch.NewPrivateLinkResourceClientWithBaseURI(url, subscription)
	for _, client := range []*autorest.Client{&accounts.Client, &pools.Client, &applications.Client, &packages.Client, &locations.Client,
		&operations.Client, &links.Client} {
		client.Authorizer = authorizer
	}

	future, err := accounts.Create(ctx, group, account, batch.AccountCreateParameters{
		Location: &location, Tags: map[string]*string{"who": text("go")},
	})
	must(err)
	must(future.WaitForCompletionRef(ctx, accounts.Client))
	made, err := future.Result(accounts)
	must(err)
	check(*made.Name == account && made.ProvisioningState == batch.ProvisioningStateSucceeded, "the account", made)
	got, err := accounts.Get(ctx, group, account)
	must(err)
	check(*got.Tags["who"] == "go" && *got.PoolQuota > 0 && got.PublicNetworkAccess == batch.PublicNetworkAccessTypeEnabled, "read again", got)
	check(len(*got.AllowedAuthenticationModes) == 3 && got.Encryption.KeySource == batch.KeySourceMicrosoftBatch, "defaults", got)
	found := false
	for list, err := accounts.ListComplete(ctx); list.NotDone(); err = list.NextWithContext(ctx) {
		must(err)
		found = found || *list.Value().Name == account
	}
	check(found, "the list has it", account)
	page, err := accounts.ListByResourceGroup(ctx, group)
	must(err)
	check(len(page.Values()) > 0, "accounts of the group", len(page.Values()))
	changed, err := accounts.Update(ctx, group, account, batch.AccountUpdateParameters{Tags: map[string]*string{"who": text("gopher")}})
	must(err)
	check(*changed.Tags["who"] == "gopher", "tags", changed.Tags)
	keys, err := accounts.GetKeys(ctx, group, account)
	must(err)
	renewed, err := accounts.RegenerateKey(ctx, group, account, batch.AccountRegenerateKeyParameters{KeyName: batch.AccountKeyTypePrimary})
	must(err)
	check(*renewed.Primary != *keys.Primary && *renewed.Secondary == *keys.Secondary, "keys", *renewed.AccountName)
	outbound, err := accounts.ListOutboundNetworkDependenciesEndpoints(ctx, group, account)
	must(err)
	check(len(outbound.Values()) > 0, "outbound", len(outbound.Values()))
	detectors, err := accounts.ListDetectors(ctx, group, account)
	must(err)
	check(len(detectors.Values()) > 0, "detectors", len(detectors.Values()))

	quota, err := locations.GetQuotas(ctx, location)
	must(err)
	check(*quota.AccountQuota > 0, "quota", *quota.AccountQuota)
	skus, err := locations.ListSupportedVirtualMachineSkus(ctx, location, number(2), "")
	must(err)
	check(len(skus.Values()) > 0, "skus", len(skus.Values()))
	name, err := locations.CheckNameAvailability(ctx, location, batch.CheckNameAvailabilityParameters{
		Name: text(account), Type: text("Microsoft.Batch/batchAccounts"),
	})
	must(err)
	check(!*name.NameAvailable && name.Reason == batch.NameAvailabilityReasonAlreadyExists, "name", name)
	all, err := operations.List(ctx)
	must(err)
	check(len(all.Values()) > 10, "operations", len(all.Values()))
	link, err := links.Get(ctx, group, account, "batchAccount")
	must(err)
	check(*link.GroupID == "batchAccount", "link", *link.GroupID)

	first := os.Args[6]
	app, err := applications.Create(ctx, group, first, "goapp", &batch.Application{
		ApplicationProperties: &batch.ApplicationProperties{DisplayName: text("A Go app")},
	})
	must(err)
	check(*app.Name == "goapp" && *app.AllowUpdates, "the application", app)
	pending, err := packages.Create(ctx, group, first, "goapp", "1", nil)
	must(err)
	check(pending.State == batch.PackageStatePending && pending.StorageURLExpiry.After(time.Now()), "the package", pending)
	versions, err := packages.List(ctx, group, first, "goapp", nil)
	must(err)
	check(len(versions.Values()) == 1, "versions", len(versions.Values()))
	_, err = packages.Delete(ctx, group, first, "goapp", "1")
	must(err)
	_, err = applications.Delete(ctx, group, first, "goapp")
	must(err)

	pool, err := pools.Create(ctx, group, account, "gopool", batch.Pool{PoolProperties: &batch.PoolProperties{
		VMSize: text("STANDARD_D2_V3"),
		DeploymentConfiguration: &batch.DeploymentConfiguration{VirtualMachineConfiguration: &batch.VirtualMachineConfiguration{
			ImageReference: &batch.ImageReference{Publisher: text("canonical"), Offer: text("0001-com-ubuntu-server-jammy"), Sku: text("22_04-lts")},
			NodeAgentSkuID: text("batch.node.ubuntu 22.04"),
		}},
		ScaleSettings: &batch.ScaleSettings{FixedScale: &batch.FixedScaleSettings{TargetDedicatedNodes: number(1)}},
	}}, "", "*")
	must(err)
	check(*pool.VMSize == "STANDARD_D2_V3" && pool.ProvisioningState == batch.PoolProvisioningStateSucceeded, "the pool", pool)
	until("a steady pool", func() bool {
		pool, err = pools.Get(ctx, group, account, "gopool")
		must(err)
		return pool.AllocationState == batch.AllocationStateSteady && *pool.CurrentDedicatedNodes == 1
	})
	auto, err := pools.Update(ctx, group, account, "gopool", batch.Pool{PoolProperties: &batch.PoolProperties{
		ScaleSettings: &batch.ScaleSettings{AutoScale: &batch.AutoScaleSettings{Formula: text("$TargetDedicatedNodes = 1;")}},
	}}, "")
	must(err)
	check(*auto.ScaleSettings.AutoScale.EvaluationInterval == "PT15M", "autoscale", auto.ScaleSettings)
	_, err = pools.DisableAutoScale(ctx, group, account, "gopool")
	must(err)
	_, err = pools.StopResize(ctx, group, account, "gopool")
	must(err)
	listed, err := pools.ListByBatchAccount(ctx, group, account, nil, "", "name eq 'gopool'")
	must(err)
	check(len(listed.Values()) == 1, "pools", len(listed.Values()))
	gone, err := pools.Delete(ctx, group, account, "gopool")
	must(err)
	must(gone.WaitForCompletionRef(ctx, pools.Client))
	_, err = pools.Get(ctx, group, account, "gopool")
	check(err != nil && strings.Contains(err.Error(), "StatusCode=404") && strings.Contains(err.Error(), "PoolNotFound"), "a pool that is not there", err)

	deleted, err := accounts.Delete(ctx, group, account)
	must(err)
	must(deleted.WaitForCompletionRef(ctx, accounts.Client))
	_, err = accounts.Get(ctx, group, account)
	check(err != nil && strings.Contains(err.Error(), "StatusCode=404"), "an account that is not there", err)
	fmt.Println("all good")
}
