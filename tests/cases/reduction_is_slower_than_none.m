Network reduction_is_slower_than_none {
	Layer reduction_is_slower_than_none {
		Type: GEMM
		Dimensions { K: 2 }
		Dataflow {
			SpatialMap(1,1) K;
		}
	}
}
