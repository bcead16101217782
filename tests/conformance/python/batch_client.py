"""What a Python user of Azure Batch does, against the endpoint given: account key url https-url. Ends with "all good"."""

import datetime
import sys

from azure.batch import BatchServiceClient, models
from azure.batch.batch_auth import SharedKeyCredentials
from polling import until

account, key, url, https_url = sys.argv[1:5]
client = BatchServiceClient(SharedKeyCredentials(account, key), batch_url=url)
secure = BatchServiceClient(SharedKeyCredentials(account, key), batch_url=https_url)


images = list(secure.account.list_supported_images())
image = next(i for i in images if i.verification_type == models.VerificationType.verified)
client.pool.add(
    models.PoolAddParameter(
        id="pypool",
        vm_size="STANDARD_D2_V3",
        target_dedicated_nodes=1,
        task_slots_per_node=4,
        virtual_machine_configuration=models.VirtualMachineConfiguration(
            image_reference=image.image_reference, node_agent_sku_id=image.node_agent_sku_id
        ),
        start_task=models.StartTask(command_line="/bin/sh -c 'echo started > $AZ_BATCH_NODE_SHARED_DIR/mark'", wait_for_success=True),
        metadata=[models.MetadataItem(name="who", value="python")],
    )
)
assert client.pool.exists("pypool") and not client.pool.exists("none")
until(lambda: list(client.compute_node.list("pypool")), lambda nodes: len(nodes) == 1 and nodes[0].state == models.ComputeNodeState.idle)
pool = client.pool.get("pypool")
assert pool.allocation_state == models.AllocationState.steady and pool.metadata[0].value == "python"

client.job.add(models.JobAddParameter(id="pyjob", pool_info=models.PoolInformation(pool_id="pypool"), priority=5))
tasks = [models.TaskAddParameter(id="t%d" % n, command_line="/bin/sh -c 'cat $AZ_BATCH_NODE_SHARED_DIR/mark; echo %d'" % n) for n in range(250)]
client.task.add_collection("pyjob", tasks, threads=4)
counts = until(lambda: client.job.get_task_counts("pyjob"), lambda c: c.task_counts.completed == 250)
assert counts.task_counts.succeeded == 250, counts
first = client.task.get("pyjob", "t0")
assert first.execution_info.result == models.TaskExecutionResult.success and first.execution_info.exit_code == 0
assert b"".join(client.file.get_from_task("pyjob", "t7", "stdout.txt")) == b"started\n7\n"
part = models.FileGetFromTaskOptions(ocp_range="bytes=0-6")
assert b"".join(client.file.get_from_task("pyjob", "t7", "stdout.txt", part)) == b"started"
properties = client.file.get_properties_from_task("pyjob", "t7", "stdout.txt", raw=True)
assert properties.headers["ocp-batch-file-isdirectory"] is False and properties.headers["Content-Length"] == 10, properties.headers
names = [f.name for f in client.file.list_from_task("pyjob", "t7", recursive=True)]
assert "stdout.txt" in names and "wd" in names, names

page = list(client.task.list("pyjob", models.TaskListOptions(max_results=100, filter="state eq 'completed' and executionInfo/exitCode eq 0", select="id,state")))
assert len(page) == 250 and page[0].command_line is None

try:
    client.job.get("none")
    raise AssertionError("should have failed")
except models.BatchErrorException as error:
    assert error.error.code == "JobNotFound" and "does not exist" in error.error.message.value

client.job.patch("pyjob", models.JobPatchParameter(priority=9))
assert client.job.get("pyjob").priority == 9
client.job.disable("pyjob", disable_tasks=models.DisableJobOption.requeue)
until(lambda: client.job.get("pyjob").state, lambda state: state == models.JobState.disabled)
client.job.enable("pyjob")
until(lambda: client.job.get("pyjob").state, lambda state: state == models.JobState.active)
client.job.terminate("pyjob", terminate_reason="enough")
ended = until(lambda: client.job.get("pyjob"), lambda job: job.state == models.JobState.completed)
assert ended.execution_info.terminate_reason == "enough"

start = datetime.datetime(2099, 1, 1, tzinfo=datetime.timezone.utc)
client.job_schedule.add(
    models.JobScheduleAddParameter(
        id="pyschedule",
        schedule=models.Schedule(do_not_run_until=start, recurrence_interval=datetime.timedelta(hours=1)),
        job_specification=models.JobSpecification(pool_info=models.PoolInformation(pool_id="pypool")),
    )
)
assert client.job_schedule.exists("pyschedule") and not client.job_schedule.exists("none")
schedule = client.job_schedule.get("pyschedule")
assert schedule.state == models.JobScheduleState.active and schedule.schedule.recurrence_interval == datetime.timedelta(hours=1), schedule
client.job_schedule.patch("pyschedule", models.JobSchedulePatchParameter(metadata=[models.MetadataItem(name="a", value="b")]))
client.job_schedule.disable("pyschedule")
assert client.job_schedule.get("pyschedule").state == models.JobScheduleState.disabled
client.job_schedule.enable("pyschedule")
assert [s.id for s in client.job_schedule.list()] == ["pyschedule"]
assert list(client.job.list_from_job_schedule("pyschedule")) == []
client.job_schedule.terminate("pyschedule")
client.job_schedule.delete("pyschedule")

node = next(iter(client.compute_node.list("pypool")))
client.compute_node.add_user("pypool", node.id, models.ComputeNodeUser(name="someone", password="Secret-1", is_admin=True))
client.compute_node.update_user("pypool", node.id, "someone", models.NodeUpdateUserParameter(password="Secret-2"))
client.compute_node.delete_user("pypool", node.id, "someone")
login = client.compute_node.get_remote_login_settings("pypool", node.id)
assert login.remote_login_port > 0, login
assert list(client.compute_node_extension.list("pypool", node.id)) == []

client.pool.enable_auto_scale("pypool", auto_scale_formula="$TargetDedicatedNodes = 1;", auto_scale_evaluation_interval=datetime.timedelta(hours=1))
run = client.pool.evaluate_auto_scale("pypool", "$TargetDedicatedNodes = 2;")
assert "$TargetDedicatedNodes=2" in run.results and run.error is None, run
assert client.pool.get("pypool").enable_auto_scale
client.pool.disable_auto_scale("pypool")
assert list(client.application.list()) == []
assert isinstance(list(client.pool.list_usage_metrics()), list)

client.job.delete("pyjob")
client.pool.delete("pypool")
until(lambda: client.pool.exists("pypool"), lambda there: not there)
print("all good")
