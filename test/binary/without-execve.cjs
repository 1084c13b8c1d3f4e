// Takes `process.execve` from the runtime, as in Node before 22.15.
delete process.execve;
