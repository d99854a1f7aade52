# The image: one static program, the certificate authorities, nothing else: no shell, no libraries, no package manager.
#
#   make docker-build IMG=registry.example.com/azure-blob-operator:1.0
#
# BASE is where the program is built, any Debian 12; nothing of it but the two files below gets into the image.
ARG BASE=debian:12

# Compiler and libraries change seldom, so they are a layer of their own.
FROM ${BASE} AS toolchain
WORKDIR /src
COPY scripts/program-packages.txt scripts/
RUN apt-get update && xargs -a scripts/program-packages.txt apt-get install -y --no-install-recommends \
    && rm -rf /var/lib/apt/lists/*

# The same steps as `make build`. What was compiled once, the minimal libcurl above all, is kept in caches, not in layers.
FROM toolchain AS build
# As on most machines; ccache keeps compilers that speak another language apart.
ENV LANG=C.UTF-8
COPY . .
ARG CCACHE_DIR=/ccache
# Old versions of buildah (1.28) empty the image when the place of a cache is one that its own storage lies below: not in /root.
ENV ABO_CACHE=/build-cache
RUN --mount=type=cache,target=/ccache --mount=type=cache,target=/build-cache \
    scripts/build.sh --program-only \
    && install -D build/release/azure-blob-operator /out/azure-blob-operator && rm -rf build

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="azure-blob-operator" \
      org.opencontainers.image.description="Creates one Kubernetes resource for every new blob version in Azure Blob Storage, exactly once" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/azure-blob-operator /azure-blob-operator
# A number, so that the kubelet can see that it is not root without a list of users.
USER 65532:65532
ENTRYPOINT ["/azure-blob-operator"]
CMD ["run"]
