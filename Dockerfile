# The two programs that run on a cluster, each an image of its own:
#   docker build --target dray-controller-manager -t dray-controller-manager:latest .
#   docker build --target dray-mockdev -t dray-mockdev:latest .
# `./run images` builds both, with docker or podman; `kind load docker-image` takes them to a kind cluster.
FROM debian:bookworm AS build
WORKDIR /src
COPY . .
RUN ./run release

FROM debian:bookworm-slim AS runtime
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      libcpprest2.10 libgflags2.2 libgoogle-glog0v6 libgrpc++1.51 libprometheus-cpp-core1.0 libprotobuf32 libre2-9 \
      libsimdjson14 libssl3 libyaml-cpp0.7 zlib1g && \
    rm -rf /var/lib/apt/lists/*
ENV PATH=/usr/local/lib/dray:$PATH

FROM runtime AS dray-controller-manager
COPY --from=build /src/build-release/bin/dray-controller-manager /usr/local/lib/dray/
USER 65532:65532
ENTRYPOINT ["dray-controller-manager"]

# Root: it writes below the kubelet's directory and /var/run/cdi of the node.
FROM runtime AS dray-mockdev
COPY --from=build /src/build-release/bin/dray-mockdev /usr/local/lib/dray/
COPY --from=build /src/build-release/bin/mock-tools /usr/local/lib/dray/mock-tools
ENTRYPOINT ["dray-mockdev"]
