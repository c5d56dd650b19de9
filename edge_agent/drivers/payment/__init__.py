"""Payment peripherals behind adapters; no Linux process keeps the 5 ms of MDB itself."""
