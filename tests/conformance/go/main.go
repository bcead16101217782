// What a Go program does with Azure Batch (azure-sdk-for-go 68, 2020-09-01.12.0), against the endpoint given: account key url.
// The SDK has no shared-key signer: this has its own. Ends with "all good".
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/services/batch/2020-09-01.12.0/batch"
	"github.com/Azure/go-autorest/autorest"
	"github.com/Azure/go-autorest/autorest/date"
)

type sharedKey struct {
	account string
	key     []byte
}

var signed = []string{"Content-Encoding", "Content-Language", "Content-Length", "Content-MD5", "Content-Type", "Date",
	"If-Modified-Since", "If-Match", "If-None-Match", "If-Unmodified-Since", "Range"}

// WithAuthorization signs a request as the REST documentation says.
func (s sharedKey) WithAuthorization() autorest.PrepareDecorator {
	return func(p autorest.Preparer) autorest.Preparer {
		return autorest.PreparerFunc(func(r *http.Request) (*http.Request, error) {
			r, err := p.Prepare(r)
			if err != nil {
				return r, err
			}
			r.Header.Set("ocp-date", time.Now().UTC().Format(http.TimeFormat))
			r.Header.Set("Authorization", "SharedKey "+s.account+":"+s.signature(r))
			return r, nil
		})
	}
}

func (s sharedKey) signature(r *http.Request) string {
	lines := []string{r.Method}
	for _, name := range signed {
		value := r.Header.Get(name)
		if name == "Content-Length" && r.ContentLength > 0 {
			value = fmt.Sprint(r.ContentLength)
		}
		lines = append(lines, value)
	}
	ocp := []string{}
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "ocp-") {
			ocp = append(ocp, lower+":"+r.Header.Get(name))
		}
	}
	sort.Strings(ocp)
	lines = append(lines, ocp...)
	lines = append(lines, "/"+s.account+r.URL.EscapedPath())
	query := []string{}
	for name, values := range r.URL.Query() {
		query = append(query, strings.ToLower(name)+":"+strings.Join(values, ","))
	}
	sort.Strings(query)
	lines = append(lines, query...)
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(strings.Join(lines, "\n")))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

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
func yes() *bool            { b := true; return &b }

func main() {
	account, endpoint := os.Args[1], os.Args[3]
	key, err := base64.StdEncoding.DecodeString(os.Args[2])
	must(err)
	_, err = url.Parse(endpoint)
	must(err)
	signer := sharedKey{account, key}
	ctx := context.Background()
	pools, jobs, tasks := batch.NewPoolClient(endpoint), batch.NewJobClient(endpoint), batch.NewTaskClient(endpoint)
	files, accounts := batch.NewFileClient(endpoint), batch.NewAccountClient(endpoint)
	schedules, nodes := batch.NewJobScheduleClient(endpoint), batch.NewComputeNodeClient(endpoint)
	pools.Authorizer, jobs.Authorizer, tasks.Authorizer, files.Authorizer = signer, signer, signer, signer
	accounts.Authorizer, schedules.Authorizer, nodes.Authorizer = signer, signer, signer

	images, err := accounts.ListSupportedImages(ctx, "", nil, nil, nil, nil, nil)
	must(err)
	var image batch.ImageInformation
	for _, one := range images.Values() {
		if strings.EqualFold(string(one.VerificationType), "verified") {
			image = one
		}
	}
	check(image.ImageReference != nil, "no verified image", len(images.Values()))

	_, err = pools.Add(ctx, batch.PoolAddParameter{
		ID: text("gopool"), VMSize: text("standard_d2_v3"), TargetDedicatedNodes: number(1), TaskSlotsPerNode: number(4),
		VirtualMachineConfiguration: &batch.VirtualMachineConfiguration{ImageReference: image.ImageReference, NodeAgentSKUID: image.NodeAgentSKUID},
	}, nil, nil, nil, nil)
	must(err)
	until("an idle node", func() bool {
		page, err := nodes.List(ctx, "gopool", "", "", nil, nil, nil, nil, nil)
		must(err)
		return len(page.Values()) == 1 && page.Values()[0].State == batch.Idle
	})
	pool, err := pools.Get(ctx, "gopool", "", "", nil, nil, nil, nil, "", "", nil, nil)
	must(err)
	check(*pool.TaskSlotsPerNode == 4 && pool.AllocationState == batch.Steady, "the pool", pool.AllocationState)

	_, err = jobs.Add(ctx, batch.JobAddParameter{ID: text("gojob"), PoolInfo: &batch.PoolInformation{PoolID: text("gopool")}}, nil, nil, nil, nil)
	must(err)
	many := []batch.TaskAddParameter{
		{ID: text("good"), CommandLine: text("/bin/sh -c 'echo from go'")},
		{ID: text("bad"), CommandLine: text("/bin/sh -c 'exit 4'")},
	}
	added, err := tasks.AddCollection(ctx, "gojob", batch.TaskAddCollectionParameter{Value: &many}, nil, nil, nil, nil)
	must(err)
	check(len(*added.Value) == 2, "added", added)
	until("the tasks", func() bool {
		counts, err := jobs.GetTaskCounts(ctx, "gojob", nil, nil, nil, nil)
		must(err)
		return *counts.TaskCounts.Succeeded == 1 && *counts.TaskCounts.Failed == 1
	})
	bad, err := tasks.Get(ctx, "gojob", "bad", "", "", nil, nil, nil, nil, "", "", nil, nil)
	must(err)
	check(*bad.ExecutionInfo.ExitCode == 4, "exit code", *bad.ExecutionInfo.ExitCode)
	page, err := tasks.List(ctx, "gojob", "state eq 'completed'", "id", "", nil, nil, nil, nil, nil)
	must(err)
	check(len(page.Values()) == 2, "listed", len(page.Values()))

	file, err := files.GetFromTask(ctx, "gojob", "good", "stdout.txt", nil, nil, nil, nil, "", nil, nil)
	must(err)
	content, err := io.ReadAll(*file.Value)
	must(err)
	check(string(content) == "from go\n", "stdout", string(content))
	// Against Azure too: the service sends contentLength as a string, this SDK wants a number.
	_, err = files.ListFromTask(ctx, "gojob", "good", "", yes(), nil, nil, nil, nil, nil)
	check(err != nil && strings.Contains(err.Error(), "contentLength"), "a listing of files", err)

	future := date.Time{Time: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)}
	_, err = schedules.Add(ctx, batch.JobScheduleAddParameter{
		ID: text("goschedule"), Schedule: &batch.Schedule{DoNotRunUntil: &future, RecurrenceInterval: text("PT1H")},
		JobSpecification: &batch.JobSpecification{PoolInfo: &batch.PoolInformation{PoolID: text("gopool")}},
	}, nil, nil, nil, nil)
	must(err)
	schedule, err := schedules.Get(ctx, "goschedule", "", "", nil, nil, nil, nil, "", "", nil, nil)
	must(err)
	check(schedule.State == batch.JobScheduleStateActive && schedule.Schedule.DoNotRunUntil.Equal(future.Time), "the schedule", schedule)
	_, err = schedules.Disable(ctx, "goschedule", nil, nil, nil, nil, "", "", nil, nil)
	must(err)
	_, err = schedules.Enable(ctx, "goschedule", nil, nil, nil, nil, "", "", nil, nil)
	must(err)
	_, err = schedules.Delete(ctx, "goschedule", nil, nil, nil, nil, "", "", nil, nil)
	must(err)

	_, err = jobs.Get(ctx, "none", "", "", nil, nil, nil, nil, "", "", nil, nil)
	check(err != nil && strings.Contains(err.Error(), "StatusCode=404"), "a job that is not there", err)
	_, err = jobs.Terminate(ctx, "gojob", nil, nil, nil, nil, nil, "", "", nil, nil)
	must(err)
	_, err = jobs.Delete(ctx, "gojob", nil, nil, nil, nil, "", "", nil, nil)
	must(err)
	_, err = pools.Delete(ctx, "gopool", nil, nil, nil, nil, "", "", nil, nil)
	must(err)
	fmt.Println("all good")
}
