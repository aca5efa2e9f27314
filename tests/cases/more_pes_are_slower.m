Network more_pes_are_slower {
	Layer more_pes_are_slower {
		Type: GEMM
		Dimensions { M: 3 }
		Dataflow {
			SpatialMap(1,1) M;
		}
	}
}
