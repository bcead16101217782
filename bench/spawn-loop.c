// The floor that every launcher is compared with: start `count` times /bin/true, `flight` at a time, by posix_spawn with output to a file,
// and do nothing else. Prints nothing; the caller takes the time.   spawn-loop COUNT FLIGHT DIRECTORY
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    int count = atoi(argv[1]), flight = atoi(argv[2]), started = 0, running = 0;
    char *program[] = {"/bin/true", NULL};
    while (started < count || running > 0) {
        if (started < count && running < flight) {
            char path[4096];
            snprintf(path, sizeof path, "%s/%d.out", argv[3], started);
            posix_spawn_file_actions_t files;
            posix_spawn_file_actions_init(&files);
            posix_spawn_file_actions_addopen(&files, 1, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
            posix_spawn_file_actions_adddup2(&files, 1, 2);
            pid_t pid;
            if (posix_spawn(&pid, program[0], &files, NULL, program, environ) != 0) return 1;
            posix_spawn_file_actions_destroy(&files);
            started++;
            running++;
        } else if (wait(NULL) > 0) {
            running--;
        }
    }
    return 0;
}
